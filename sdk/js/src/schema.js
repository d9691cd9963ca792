// The short way to write an object schema.

/**
 * The JSON Schema that `input` stands for: one already, or names with a type or a schema each, where a `?` behind the
 * name makes it optional.
 *
 * @param {Record<string, any>} input
 * @returns {Record<string, any>}
 */
export function objectSchema(input) {
  if (input.type === 'object') return 'properties' in input ? input : { ...input, properties: {} };
  /** @type {Record<string, any>} */
  const properties = {};
  const required = [];
  for (const [key, value] of Object.entries(input)) {
    const isOptional = key.endsWith('?');
    const name = isOptional ? key.slice(0, -1) : key;
    properties[name] = typeof value === 'string' ? { type: value } : value;
    if (!isOptional) required.push(name);
  }
  return ofProperties(properties, required);
}

/**
 * @param {Record<string, any>} properties
 * @param {string[]} required
 */
export function ofProperties(properties, required) {
  return { type: 'object', properties, ...(required.length > 0 && { required }), additionalProperties: false };
}
