// SPDX-License-Identifier: Apache-2.0
// Debian's Firefox walks the page: STEPS [{"route", "says"}] of URL; prints a line of JSON for each: {"route", "ok", "words"}.
import { createRequire } from 'node:module';

const puppeteer = createRequire(process.env.MODULES + '/')('puppeteer-core');
const steps = JSON.parse(process.env.STEPS);
const browser = await puppeteer.launch({
  browser: 'firefox', executablePath: process.env.FIREFOX, headless: true, args: ['--width=1280', '--height=900'],
});
const page = await browser.newPage();
const faults = [];
page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
page.on('console', (message) => { if (message.type() === 'error') faults.push(`console: ${message.text()}`); });

let loaded = false;
for (const { route, says } of steps) {
  let words = '';
  try {
    if (loaded) await page.evaluate((hash) => { location.hash = hash; }, route);
    else await page.goto(`${process.env.URL}/${route}`);
    loaded = true;
    await page.waitForFunction((text) => document.body.innerText.includes(text), { timeout: 30000 }, says);
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/firefox-${route.replace(/\W+/g, '-')}.png` });
  } catch (error) {
    words = `${error.message}; the page says: ${(await page.evaluate(() => document.body.innerText)).slice(0, 500)}`;
  }
  const wrong = [words, ...faults.splice(0)].filter(Boolean);
  console.log(JSON.stringify({ route, ok: !wrong.length, words: wrong.join('\n') }));
}
await browser.close();
