// SPDX-License-Identifier: Apache-2.0
// Notifications of the browser, for who wants them: a case waits, or an alert is critical, while nobody looks at the page. They say
// which, in words of our own, and lead there; nothing can be decided in them.
//
//   wanted() · possible() -> null or 'unsupported' 'blocked' 'insecure' · turnOn() -> Promise of possible() · turnOff()
//   watch(context): from now on; calling it twice is once

const KEY = 'logic-node.notices';

let watched = null;

export function wanted(storage = globalThis.localStorage) {
  try {
    return storage.getItem(KEY) === 'on';
  } catch {
    return false;
  }
}

export function possible({ Notification: Kind = globalThis.Notification, secure = globalThis.isSecureContext } = {}) {
  if (!secure) return 'insecure';
  if (!Kind) return 'unsupported';
  return Kind.permission === 'denied' ? 'blocked' : null;
}

/** The browser asks the person; 'blocked' when they say no. */
export async function turnOn({ Notification: Kind = globalThis.Notification, storage = globalThis.localStorage } = {}) {
  const why = possible({ Notification: Kind });
  if (why) return why;
  if ((await Kind.requestPermission()) !== 'granted') return 'blocked';
  storage.setItem(KEY, 'on');
  return null;
}

export function turnOff(storage = globalThis.localStorage) {
  storage.removeItem(KEY);
}

/** What an event is worth telling, as {tag, text, hash}; null for all others. Pure. */
export function told(event, words) {
  const body = event.body ?? {};
  if (event.kind === 'case_planned' && event.case && body.consent)
    return { tag: `case-${event.case}`, text: words.waiting, hash: `#/cases/${encodeURIComponent(event.case)}` };
  const alert = event.kind === 'alert_raised' ? event.seq : event.kind === 'alert_changed' ? body.alert : null;
  if (alert !== null && alert !== undefined && body.severity === 'critical')
    return { tag: `alert-${alert}`, text: words.critical, hash: `#/alerts/${encodeURIComponent(alert)}` };
  return null;
}

function show({ tag, text, hash }, { go, session, words }) {
  try {
    const notice = new Notification(session.get().node ?? words.shell.product, { body: text, tag, lang: 'en' });
    notice.addEventListener('click', () => {
      globalThis.focus();
      go(hash);
      notice.close();
    });
  } catch {
    // some phones allow none from a page
  }
}

export function watch(context) {
  watched ??= context.stream.on('*', (event) => {
    const what = document.hidden && wanted() && Notification.permission === 'granted' ? told(event, context.words.notices) : null;
    if (what) show(what, context);
  });
}
