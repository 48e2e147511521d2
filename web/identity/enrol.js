// SPDX-License-Identifier: Apache-2.0
// Enrolling a passkey: the one-time code as people type it, a name for this device, and the two questions to the node.
//
//   codeOf(typed) -> {code 'XXXX-XXXX-XXXX' as far as it goes, whole}     Crockford's letters: I and L are 1, O is 0, U is none
//   deviceOf(navigator) -> 'iPhone' …      begin(api, code) -> options      finish(api, code, words, made) -> {enrolment, key_id, person}

export const CODE_LETTERS = 12;
export const DEVICE_MAX = 60;
const GROUP = 4;
const DEVICES = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Mac/, 'Mac'],
  [/Win/, 'Windows'],
  [/CrOS/, 'Chromebook'],
  [/Linux|X11/, 'Linux'],
];

export function codeOf(typed) {
  const letters = String(typed)
    .toUpperCase()
    .replace(/[IL]/g, '1')
    .replace(/O/g, '0')
    .replace(/[^0-9A-HJKMNP-TV-Z]/g, '')
    .slice(0, CODE_LETTERS);
  return { code: letters.match(new RegExp(`.{1,${GROUP}}`, 'g'))?.join('-') ?? '', whole: letters.length === CODE_LETTERS };
}

export function deviceOf({ userAgent = '' } = {}) {
  return DEVICES.find(([pattern]) => pattern.test(userAgent))?.[1] ?? '';
}

export const begin = (api, code) => api.post('/api/v1/passkeys/options', { code });

export const finish = (api, code, words, made) => api.post('/api/v1/passkeys', { code, words, ...made });
