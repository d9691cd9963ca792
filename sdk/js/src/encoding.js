// Texts as bytes and back: UTF-8, which is all that a plugin meets.

/** As the web has it. */
export class TextEncoder {
  encoding = 'utf-8';

  /** @param {string} [text] */
  encode(text = '') {
    const bytes = [];
    // By code point; half of a pair alone becomes U+FFFD.
    for (const character of String(text).toWellFormed()) {
      const code = /** @type {number} */ (character.codePointAt(0));
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code));
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code >> 6), tail(code));
      else bytes.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code));
    }
    return Uint8Array.from(bytes);
  }
}

/** @param {number} code */
function tail(code) {
  return 0x80 | (code & 0x3f);
}

/** As the web has it, for UTF-8 and without `stream`. */
export class TextDecoder {
  encoding = 'utf-8';

  /** @param {string} [label] @param {{fatal?: boolean, ignoreBOM?: boolean}} [options] */
  constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*(utf-?8|unicode-1-1-utf-8)\s*$/i.test(label)) throw new RangeError(`the encoding ${label} is not known`);
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
  }

  /** @param {ArrayBuffer | ArrayBufferView} [input] */
  decode(input = new ArrayBuffer(0)) {
    const bytes = ArrayBuffer.isView(input)
      ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
      : new Uint8Array(input);
    let text = '';
    for (let index = !this.ignoreBOM && hasMark(bytes) ? 3 : 0; index < bytes.length; ) {
      const { code, length } = character(bytes, index);
      if (code < 0 && this.fatal) throw new TypeError('the bytes are no UTF-8');
      text += code < 0 ? '\ufffd' : String.fromCodePoint(code);
      index += length;
    }
    return text;
  }
}

/** @param {Uint8Array} bytes */
function hasMark(bytes) {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/**
 * The character that begins at `start`. Where there is none, `code` is negative, and `length` is that of the longest
 * piece that could have begun one (as Unicode recommends, and the web does).
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 */
function character(bytes, start) {
  const first = bytes[start];
  if (first < 0x80) return { code: first, length: 1 };
  const size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size === 0) return { code: -1, length: 1 };
  // Not every second byte goes: these would be a second way to write something, a surrogate, or past U+10FFFF.
  const low = { 0xe0: 0xa0, 0xf0: 0x90 }[first] ?? 0x80;
  const high = { 0xed: 0x9f, 0xf4: 0x8f }[first] ?? 0xbf;
  let code = first & (0x7f >> size);
  for (let length = 1; length < size; length++) {
    const byte = bytes[start + length];
    const [least, most] = length === 1 ? [low, high] : [0x80, 0xbf];
    if (byte === undefined || byte < least || byte > most) return { code: -1, length };
    code = (code << 6) | (byte & 0x3f);
  }
  return { code, length: size };
}
