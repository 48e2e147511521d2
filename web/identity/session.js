// SPDX-License-Identifier: Apache-2.0
// Signing in and out, and the sessions there are: docs/dashboard.md §3. What it gets from the node goes to context.session.
//
//   withToken(context, token) · withPasskey(context, signal) -> the session · sessions(api) -> [row] · end(api, name)
//   backTo() -> the route where somebody was when the session ended, once

import { assertion, bytesOf } from './passkey.js';

const BACK = 'logic-node.back'; // written by parts/shell.js
const PATH = '/api/v1/session';

async function signIn({ api, session }, body) {
  try {
    const answer = await api.post(PATH, body);
    session.take(answer);
    return answer;
  } catch (error) {
    await session.refresh().catch(() => {}); // a wrong token ends nothing: from this machine one is signed in all the same
    throw error;
  }
}

export const withToken = (context, token) => signIn(context, { token: token.trim() });

/** Any passkey of this page that the device holds: the person need not say who they are. */
export async function withPasskey(context, signal) {
  const { challenge, rp_id: rpId } = await context.api.post(`${PATH}/challenge`, {});
  const passkey = await assertion({ challenge: bytesOf(challenge), rpId, ids: [], signal });
  return signIn(context, { passkey });
}

export async function sessions(api) {
  return (await api.get('/api/v1/sessions')).sessions ?? [];
}

export const end = (api, name) => api.del(`/api/v1/sessions/${encodeURIComponent(name)}`);

export function backTo(storage = globalThis.sessionStorage) {
  try {
    const back = storage.getItem(BACK);
    storage.removeItem(BACK);
    return back?.startsWith('#/') && !back.startsWith('#/sign-in') ? back : '#/';
  } catch {
    return '#/';
  }
}
