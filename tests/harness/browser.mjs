// SPDX-License-Identifier: Apache-2.0
// The other end of browser.py: one Chromium, driven by what is read line by line: {"id", "tab", "run", "args"} → {"id", "value"} or
// {"id", "error"}.
// `run` is the body of an async function that sees page, context, browser, cdp, args.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const { chromium } = createRequire(process.env.MODULES + '/')('playwright-core');
const AsyncFunction = (async () => {}).constructor;
const tabs = new Map();
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n');

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--force-color-profile=srgb', ...JSON.parse(process.env.ARGS ?? '[]')],
});

// What no page of ours may do: each is a line that a test finds.
function watch(page, faults, sent) {
  page.on('pageerror', (error) => faults.push(`error: ${error.stack ?? error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !text.startsWith('Failed to load resource')) faults.push(`console: ${text}`);
  });
  page.on('crash', () => faults.push('the tab crashed'));
  page.on('dialog', (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss().catch(() => {}); });
  page.on('request', (request) => sent.push(`${request.method()} ${request.url()}`));
}

async function open({ name, options, passkeys }) {
  const context = await browser.newContext({ serviceWorkers: 'block', ...options });
  const page = await context.newPage();
  const tab = { context, page, browser, faults: [], sent: [], cdp: await context.newCDPSession(page) };
  watch(page, tab.faults, tab.sent);
  await tab.cdp.send('Network.enable');
  if (passkeys) {
    await tab.cdp.send('WebAuthn.enable');
    tab.authenticator = (await tab.cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
        automaticPresenceSimulation: true },
    })).authenticatorId;
  }
  tabs.set(name, tab);
}

async function answer({ id, tab, run, args, open: opened, close }) {
  try {
    if (opened) return say({ id, value: await open(opened) ?? null });
    if (close) return say({ id, value: (await browser.close()) ?? null });
    const seen = tabs.get(tab);
    const value = await new AsyncFunction('page', 'context', 'browser', 'cdp', 'tab', 'args', run)(
      seen.page, seen.context, browser, seen.cdp, seen, args ?? {});
    say({ id, value: value ?? null });
  } catch (error) {
    say({ id, error: String(error?.message ?? error) });
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => answer(JSON.parse(line)))
  .on('close', () => browser.close().finally(() => process.exit(0)));
say({ ready: true });
