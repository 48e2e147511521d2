// SPDX-License-Identifier: Apache-2.0
// Who looks at this page: GET /api/v1/session, kept as a store.
//
//   session.get() -> {signed_in, principal, name, role: 'operator'|'viewer'|null, how, csrf, expires_at, passkeys, rp_id,
//                     origin_known, node, version; known: false until the node was asked}
//   subscribe(fn) -> off · refresh() -> Promise · take(answer of a session route) · signOut() · mayLook() · mayChange() · isPerson()
//   A node without the route (404) is an older one: whoever reaches it from its own machine may do what its token lets him.

import { ApiError, del, get, on401, setCsrf } from './api.js';
import { store } from './store.js';

export const NOBODY = Object.freeze({
  known: false,
  signed_in: false,
  principal: null,
  name: null,
  role: null,
  how: null,
  csrf: null,
  expires_at: null,
  passkeys: false,
  rp_id: null,
  origin_known: false,
  node: null,
  version: null,
});
const OLDER = { ...NOBODY, known: true, signed_in: true, principal: 'loopback', name: null, role: 'operator', how: 'local' };

/** An answer of the session routes to the state. Pure. */
export function reduce(state, event) {
  // From the node's own machine nobody signs in: no session, but a role.
  if (event.kind === 'session') {
    const { session } = event;
    return { ...NOBODY, ...session, known: true, signed_in: Boolean(session.signed_in || session.role) };
  }
  if (event.kind === 'older') return OLDER;
  if (event.kind === 'signed_out')
    return { ...state, known: true, signed_in: false, principal: null, name: null, role: null, how: null, csrf: null };
  return state;
}

export function makeSession() {
  const held = store(reduce, NOBODY);

  function take(answer) {
    setCsrf(answer.csrf);
    held.dispatch({ kind: 'session', session: answer });
  }

  async function refresh() {
    try {
      take(await get('/api/v1/session'));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 404) held.dispatch({ kind: 'older' });
      else if (error.status === 401) held.dispatch({ kind: 'signed_out' });
      else throw error; // away: what was known stands
    }
    return held.get();
  }

  on401(() => {
    setCsrf(null);
    held.dispatch({ kind: 'signed_out' });
  });

  return {
    get: held.get,
    subscribe: held.subscribe,
    refresh,
    take,
    async signOut() {
      await del('/api/v1/session');
      setCsrf(null);
      held.dispatch({ kind: 'signed_out' });
      return refresh().catch(() => held.get());
    },
    /** From the node's own machine nobody signs in and may yet look and ask: the role says it. */
    mayLook: () => held.get().role !== null,
    mayChange: () => held.get().role === 'operator',
    isPerson: () => String(held.get().principal ?? '').startsWith('person:'),
  };
}
