// SPDX-License-Identifier: Apache-2.0
// The node's HTTP interface: get(path), post(path, body), del(path) -> Promise of the JSON.
// Throws ApiError {status, code, message, param}; status 0 is a node that does not answer. A 401 is told to on401().
//
//   options of each: {signal, timeout_ms}. `stream(path, {method, body, signal, headers})` gives the Response of a long answer.

const TIMEOUT_MS = 30_000;

export class ApiError extends Error {
  constructor({ status = 0, code = '', message = '', param = null, retryAfterMs = null }) {
    super(message || (status ? `HTTP ${status}` : 'the node does not answer'));
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.param = param;
    this.retryAfterMs = retryAfterMs;
  }
}

let csrf = null;
let ask = (...args) => fetch(...args);
const signedOut = new Set();

/** The session's token against forged requests; null without a cookie. */
export function setCsrf(token) {
  csrf = token ?? null;
}

/** Called with the ApiError whenever the node says that nobody is signed in. */
export function on401(fn) {
  signedOut.add(fn);
  return () => signedOut.delete(fn);
}

/** For tests. */
export function useFetch(fn) {
  ask = fn;
}

function headersOf(method, body, more) {
  const headers = { Accept: 'application/json', ...more };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (csrf && method !== 'GET' && method !== 'HEAD') headers['X-Logic-CSRF'] = csrf;
  return headers;
}

function retryAfter(answer) {
  const exact = Number(answer.headers.get('retry-after-ms') || NaN),
    whole = Number(answer.headers.get('retry-after') || NaN);
  return Number.isFinite(exact) ? exact : Number.isFinite(whole) ? whole * 1000 : null;
}

async function errorOf(answer) {
  let said = null;
  try {
    said = (await answer.json())?.error ?? null;
  } catch {
    // not JSON: the status must do
  }
  const words = typeof said === 'string' ? { message: said } : (said ?? {});
  const error = new ApiError({
    status: answer.status,
    code: words.code ?? '',
    message: words.message ?? '',
    param: words.param ?? null,
    retryAfterMs: retryAfter(answer),
  });
  if (answer.status === 401) for (const fn of [...signedOut]) fn(error);
  return error;
}

/** A long answer: the Response once its head is there and is a 2xx. */
export async function stream(path, { method = 'GET', body, signal, headers } = {}) {
  let answer;
  try {
    answer = await ask(path, {
      method,
      headers: headersOf(method, body, headers),
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError({ status: 0, code: 'away', message: '' });
  }
  if (!answer.ok) throw await errorOf(answer);
  return answer;
}

async function json(path, method, body, { signal, timeout_ms = TIMEOUT_MS } = {}) {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeout_ms);
  const stop = () => timeout.abort();
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  try {
    const answer = await stream(path, { method, body, signal: timeout.signal });
    if (answer.status === 204) return null;
    return await answer.json();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (signal?.aborted) throw new ApiError({ status: 0, code: 'aborted', message: 'stopped' });
    if (timeout.signal.aborted)
      throw new ApiError({ status: 0, code: 'timeout', message: `no answer within ${Math.round(timeout_ms / 1000)} s` });
    throw new ApiError({ status: 0, code: 'garbage', message: 'the answer could not be read' });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

export const get = (path, options) => json(path, 'GET', undefined, options);
export const post = (path, body = {}, options) => json(path, 'POST', body, options);
export const del = (path, options) => json(path, 'DELETE', undefined, options);
