// SPDX-License-Identifier: Apache-2.0
// Passkeys by WebAuthn: bytes to base64url and back, asking the browser for an assertion or a new credential, and what went wrong as
// one word of FAILURES. Knows no view and no text; words.passkey has a sentence for each of them.
//
//   lacking(session, {origins})                 null, or why there are none here: 'wrong_origin' 'insecure' 'unsupported' 'no_origin'
//   assertion({challenge, rpId, ids, signal})   -> {credential_id, authenticator_data, client_data_json, signature}, base64url
//   creation(options, signal)                   -> {credential_id, authenticator_data, client_data_json, transports}
//   failure(error)                              -> 'cancelled' 'stopped' 'known_already' 'wrong_origin' 'unsupported' 'failed'

export const FAILURES = ['cancelled', 'stopped', 'known_already', 'wrong_origin', 'unsupported', 'failed'];
const ASSERTION_MS = 120_000;
const CHUNK = 0x8000;

export function base64url(bytes) {
  const list = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  let text = '';
  for (let i = 0; i < list.length; i += CHUNK) text += String.fromCharCode(...list.subarray(i, i + CHUNK));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Throws for what is no base64url: padding, other letters, bits that say nothing. */
export function bytesOf(text) {
  if (typeof text !== 'string' || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new TypeError('no base64url');
  const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(raw, (c) => c.charCodeAt(0));
  if (base64url(bytes) !== text) throw new TypeError('no base64url');
  return bytes;
}

export function bytesOfHex(hex) {
  if (typeof hex !== 'string' || !/^([0-9a-f]{2})*$/.test(hex)) throw new TypeError('no hex');
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export const hexOf = (bytes) => Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, '0')).join('');

/** `origins` are the page_origin facts, where they are known. */
export function lacking(
  session,
  { origins = null, place = globalThis.location, secure = globalThis.isSecureContext, credentials = globalThis.navigator?.credentials } = {}
) {
  if (origins?.length && !origins.includes(place.origin)) return 'wrong_origin';
  if (!secure) return 'insecure';
  if (!credentials?.get || !credentials.create) return 'unsupported';
  if (!session.origin_known) return origins?.length ? null : 'no_origin';
  return null;
}

export async function assertion({ challenge, rpId, ids = [], signal, credentials = navigator.credentials }) {
  const found = await credentials.get({
    signal,
    publicKey: {
      challenge,
      rpId,
      timeout: ASSERTION_MS,
      userVerification: 'required',
      allowCredentials: ids.map((id) => ({ type: 'public-key', id: bytesOf(id) })),
    },
  });
  return {
    credential_id: base64url(found.rawId),
    authenticator_data: base64url(found.response.authenticatorData),
    client_data_json: base64url(found.response.clientDataJSON),
    signature: base64url(found.response.signature),
  };
}

/** `options` as POST /api/v1/passkeys/options answers. */
export async function creation(options, signal, credentials = navigator.credentials) {
  const made = await credentials.create({
    signal,
    publicKey: {
      challenge: bytesOf(options.challenge),
      timeout: options.timeout_ms,
      attestation: 'none',
      rp: { id: options.rp_id, name: 'Logic Node' },
      user: { id: bytesOf(options.user_id), name: options.person, displayName: options.name || options.person },
      pubKeyCredParams: options.algorithms.map((alg) => ({ type: 'public-key', alg })),
      excludeCredentials: (options.exclude ?? []).map((id) => ({ type: 'public-key', id: bytesOf(id) })),
      authenticatorSelection: { userVerification: 'required', residentKey: 'preferred' },
    },
  });
  return {
    credential_id: base64url(made.rawId),
    authenticator_data: base64url(made.response.getAuthenticatorData()),
    client_data_json: base64url(made.response.clientDataJSON),
    transports: made.response.getTransports?.() ?? [],
  };
}

const BY_NAME = {
  NotAllowedError: 'cancelled', // also when the time is over, and when no passkey here is one of those asked for: browsers do not tell
  AbortError: 'stopped',
  InvalidStateError: 'known_already',
  SecurityError: 'wrong_origin',
  NotSupportedError: 'unsupported',
};

export function failure(error) {
  return BY_NAME[error?.name] ?? 'failed';
}
