// SPDX-License-Identifier: Apache-2.0
// Taking something back is a proposal like any other: shown once more, then sent through the same door.

import { el, replace } from '../core/dom.js';
import { dialog } from '../parts/dialog.js';
import { failure, loading } from '../parts/empty.js';
import { parameters } from '../parts/plan.js';

const PATIENCE_MS = 600_000; // a permitted change is answered when it is done

export function openUndo({ api, go, link, stream, session, words: texts }, undo) {
  const words = texts.case;
  const box = dialog({ title: words.undoSure, close: words.close });
  const note = el('div', { role: 'status' });
  const send = el('button', { class: 'button main', type: 'button', text: words.undoSend });

  const open = (id) => {
    box.shut();
    go(link('cases', id));
  };
  // Known from the stream long before the answer of something slow.
  const begun = (event) => {
    if (send.disabled && event.body?.action === undo.action && event.body.by?.principal === session.get().principal) open(event.case);
  };
  box.onShut(stream.on('case_opened', begun));

  send.addEventListener('click', async () => {
    send.disabled = true;
    replace(note, loading(words.undoSending));
    try {
      const answer = await api.post('/api/v1/proposals', { action: undo.action, params: undo.params }, { timeout_ms: PATIENCE_MS });
      if (box.isOpen()) open(answer.case);
    } catch (error) {
      send.disabled = false;
      replace(note, failure(error, { title: words.undoFailed }));
    }
  });
  replace(box.body, el('p', {}, el('code', { text: undo.action })), parameters(undo.params), note);
  replace(box.foot, send);
  box.open();
}
