// SPDX-License-Identifier: Apache-2.0
// The address behind # to a view that is loaded when it is first opened.
//
//   table: [{path: '/nodes/:name', nav: 'house', load: () => import('../views/node.js')}, …]; the first that fits.
//   A view: export function open(context, params) -> {node, title, close()?, update(params)? -> bool}.
//   params: the :names, and `query` {q: '…'} of what stands behind ?. update() lets a view of one module stay when only its params change
//   (a list beside its detail); without it, or when it says false, it is closed and opened again.

/** '#/nodes/tower?x=1' to {parts: ['nodes', 'tower'], query: {x: '1'}}; null when it is not one of ours. */
export function parse(hash) {
  const text = hash.replace(/^#/, '') || '/';
  if (!text.startsWith('/')) return null;
  const [path, search = ''] = text.split(/\?(.*)/s);
  try {
    return { parts: path.split('/').filter(Boolean).map(decodeURIComponent), query: Object.fromEntries(new URLSearchParams(search)) };
  } catch {
    return null; // % and no number behind it
  }
}

/** The row of the table that fits, with its params, or null. */
export function match(table, hash) {
  const at = parse(hash);
  if (!at) return null;
  for (const row of table) {
    const names = row.path.split('/').filter(Boolean);
    if (names.length !== at.parts.length) continue;
    if (!names.every((name, i) => name.startsWith(':') || name === at.parts[i])) continue;
    const params = { query: at.query };
    names.forEach((name, i) => {
      if (name.startsWith(':')) params[name.slice(1)] = at.parts[i];
    });
    return { row, params };
  }
  return null;
}

/** 'nodes', 'tower 1' to '#/nodes/tower%201'. */
export function link(...parts) {
  return `#/${parts.map((part) => encodeURIComponent(String(part))).join('/')}`;
}

export function current() {
  return location.hash || '#/';
}

export function go(hash) {
  if (current() === hash) dispatchEvent(new HashChangeEvent('hashchange'));
  else location.hash = hash;
}

/**
 * Shows views in `outlet` from now on. `tell({row, title, state: 'loading'|'open'|'missing'|'failed', error})` is called at each step:
 * it draws navigation, titles and the page for what is not there; where it returns a node, that is shown.
 */
export function routes(table, outlet, context, tell = () => {}) {
  let open = null,
    turn = 0,
    scrolls = new Map(),
    lastHash = null;

  function close() {
    try {
      open?.view.close?.();
    } catch (error) {
      console.error(error);
    }
    open = null;
  }

  function show(node, { focus }) {
    outlet.replaceChildren(...(node ? [node] : []));
    if (!focus) return;
    const title = outlet.querySelector('h1');
    if (title) {
      title.tabIndex = -1;
      title.focus({ preventScroll: true });
    }
    scrollTo(0, scrolls.get(current()) ?? 0);
  }

  async function visit(event) {
    const mine = ++turn,
      found = match(table, current()),
      held = document.activeElement;
    // Who began to type elsewhere while the view was fetched goes on typing there.
    const goes = () => event !== undefined && (document.activeElement === held || !document.activeElement?.matches('input, textarea'));
    if (lastHash !== null) {
      scrolls.set(lastHash, scrollY);
      if (scrolls.size > 50) scrolls.delete(scrolls.keys().next().value);
    }
    lastHash = current();
    if (!found) {
      close();
      show(tell({ row: null, state: 'missing', error: null }), { focus: goes() });
      return;
    }
    if (open?.row.load === found.row.load && open.view.update?.(found.params)) {
      open.row = found.row;
      tell({ row: found.row, title: open.view.title, state: 'open' });
      return;
    }
    tell({ row: found.row, state: 'loading' });
    try {
      const module = await found.row.load();
      if (mine !== turn) return;
      close();
      const view = module.open(
        {
          ...context,
          retitle: (title) => {
            if (open?.view === view) {
              view.title = title;
              tell({ row: found.row, title, state: 'open' });
            }
          },
        },
        found.params
      );
      open = { row: found.row, view };
      tell({ row: found.row, title: view.title, state: 'open' });
      show(view.node, { focus: goes() });
    } catch (error) {
      if (mine !== turn) return;
      close();
      console.error(error);
      show(tell({ row: found.row, state: 'failed', error }), { focus: goes() });
    }
  }

  addEventListener('hashchange', visit);
  return visit();
}
