// The pieces that a result is made of.

/** @typedef {import('./index.js').Annotations} Annotations */

/** See index.d.ts. */
export class Content {
  /**
   * @param {string} type
   * @param {object} fields
   */
  constructor(type, fields) {
    this.type = type;
    Object.assign(this, fields);
  }
}

/** @param {string} text @param {Annotations} [annotations] */
export function text(text, annotations) {
  return new Content('text', { text: String(text), annotations });
}

/** @param {Uint8Array} data @param {string} mimeType @param {Annotations} [annotations] */
export function image(data, mimeType, annotations) {
  return new Content('image', { data, mimeType, annotations });
}

/** @param {Uint8Array} data @param {string} mimeType @param {Annotations} [annotations] */
export function audio(data, mimeType, annotations) {
  return new Content('audio', { data, mimeType, annotations });
}

/** @param {import('./index.js').ResourceOptions} resource */
export function link(resource) {
  return new Content('resource-link', resource);
}

/** @param {import('./index.js').EmbeddedResource} resource */
export function embedded(resource) {
  return new Content('embedded-resource', resource);
}

/**
 * What a tool returned, as the result that WIT has, with what is structured as JSON.
 *
 * Every call goes through here, in an interpreter that takes as long to make one `Content` as to call ten functions: what
 * is no content becomes none on its way.
 *
 * @param {any} value
 * @returns {{content: {tag: string, val: any}[], structured: string | null, isError: boolean}}
 */
export function toWitResult(value) {
  if (value === undefined) return { content: [], structured: null, isError: false };
  const isObject = typeof value === 'object' && value !== null;
  if (isObject) {
    if (value instanceof Content) return { content: [toWit(value)], structured: null, isError: false };
    if (Array.isArray(value) && value.length > 0 && value.every(isContent)) {
      return { content: value.map(toWit), structured: null, isError: false };
    }
    if (Array.isArray(value.content) && value.content.every(isContent)) {
      const { content, structured, isError = false } = value;
      return { content: content.map(toWit), structured: structured ? JSON.stringify(structured) : null, isError };
    }
  }
  const json = readable(value);
  const structured = isObject && !Array.isArray(value) ? json : null;
  return { content: [{ tag: 'text', val: { text: json, annotations: null } }], structured, isError: false };
}

/** @param {unknown} value */
function isContent(value) {
  return value instanceof Content;
}

/** @param {any} value what is no piece of content */
export function readable(value) {
  return typeof value === 'object' || typeof value === 'symbol' ? JSON.stringify(value) : String(value);
}

/** @param {Annotations | undefined} annotations */
export function toWitAnnotations(annotations) {
  if (!annotations) return null;
  const { audience = [], priority = null, lastModified = null } = annotations;
  return { audience, priority, lastModified };
}

/**
 * A resource as it is listed or linked to.
 *
 * @param {any} options
 */
export function toWitLink({ uri, name, title, description, mimeType, size, annotations }) {
  return {
    uri,
    name: name ?? uri,
    title: title ?? null,
    description: description ?? null,
    mimeType: mimeType ?? null,
    size: size ?? null,
    annotations: toWitAnnotations(annotations),
  };
}

/**
 * A text or bytes, as a body.
 *
 * @param {any} text
 * @param {any} blob
 */
export function toWitBody(text, blob) {
  return blob === undefined ? { tag: 'text', val: String(text) } : { tag: 'blob', val: blob };
}

/**
 * A piece as WIT has it.
 *
 * @param {any} content
 * @returns {{tag: string, val: any}}
 */
export function toWit(content) {
  const annotations = toWitAnnotations(content.annotations);
  switch (content.type) {
    case 'text':
      return { tag: 'text', val: { text: content.text, annotations } };
    case 'image':
    case 'audio':
      return { tag: content.type, val: { data: content.data, mimeType: content.mimeType, annotations } };
    case 'resource-link':
      return { tag: 'resource-link', val: toWitLink(content) };
    default: {
      const { uri, mimeType = null, text, blob } = content;
      return { tag: 'embedded-resource', val: { uri, mimeType, body: toWitBody(text, blob), annotations } };
    }
  }
}

/**
 * A piece that WIT brought.
 *
 * @param {{tag: string, val: any}} piece
 * @returns {Content}
 */
export function fromWit({ tag, val }) {
  const fields = { ...val };
  for (const key of Object.keys(fields)) if (fields[key] === null) delete fields[key];
  if (tag === 'embedded-resource') {
    const { tag, val } = fields.body;
    delete fields.body;
    fields[tag] = val;
  }
  return new Content(tag, fields);
}
