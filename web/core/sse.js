// SPDX-License-Identifier: Apache-2.0
// The text of an event stream to events. Pure and bounded; used by the page's own stream and by the chat.
//
//   const feed = events((event) => …, { max }); feed(text); feed(text)
//   event: {kind (default "message"), data, id (string, undefined where there is no id: line)}; comments: {kind: ':', data}

const LINE_MAX = 4 * 1024 * 1024;

/** An event larger than `max` characters throws: the stream is broken or not ours. */
export function events(give, { max = LINE_MAX } = {}) {
  let rest = '',
    skipFeed = false,
    kind = '',
    data = [],
    id,
    size = 0;

  function line(text) {
    if (text === '') {
      if (data.length) give({ kind: kind || 'message', data: data.join('\n'), id });
      kind = '';
      data = [];
      id = undefined;
      size = 0;
      return;
    }
    if (text[0] === ':') {
      give({ kind: ':', data: text.slice(1).trim() });
      return;
    }
    const colon = text.indexOf(':');
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + (text[colon + 1] === ' ' ? 2 : 1));
    if (name === 'event') kind = value;
    else if (name === 'id' && !value.includes('\0')) id = value;
    else if (name === 'data') {
      data.push(value);
      size += value.length;
      if (size > max) throw new Error(`an event is longer than ${max} characters`);
    }
  }

  return function feed(text) {
    let whole = rest + text;
    if (skipFeed && whole) {
      if (whole[0] === '\n') whole = whole.slice(1);
      skipFeed = false;
    }
    let from = 0;
    for (;;) {
      let end = from;
      while (end < whole.length && whole[end] !== '\n' && whole[end] !== '\r') end += 1;
      if (end === whole.length) break;
      const next = whole[end] === '\r' && whole[end + 1] === '\n' ? end + 2 : end + 1;
      skipFeed = whole[end] === '\r' && end + 1 === whole.length; // its newline may come with the next piece
      line(whole.slice(from, end));
      from = next;
    }
    rest = whole.slice(from);
    if (rest.length > max) throw new Error(`a line is longer than ${max} characters`);
  };
}
