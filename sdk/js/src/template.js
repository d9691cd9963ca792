// Addresses by template (RFC 6570, as far as an address tells its variables).

/**
 * What tells whether an address was made by a template, and of what: `{name}` is a part without `/`, `{+name}` any part.
 *
 * @param {string} template
 * @returns {(uri: string) => Record<string, string> | null}
 */
export function matcher(template) {
  /** @type {string[]} */
  const names = [];
  const pieces = template.split(/(\{[^}]*\})/).map((piece) => {
    if (!piece.startsWith('{')) return piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const [, operator, name] = /^\{(\+?)([A-Za-z0-9_.]+)\}$/.exec(piece) ?? [];
    if (name === undefined) throw new TypeError(`${template}: ${piece} is not understood; write {name} or {+name}`);
    names.push(name);
    return operator === '+' ? '(.+)' : '([^/?#]+)';
  });
  const pattern = new RegExp(`^${pieces.join('')}$`);
  return (uri) => {
    const match = pattern.exec(uri);
    if (!match) return null;
    try {
      return Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(match[index + 1])]));
    } catch {
      // A `%` that begins nothing: no template makes that.
      return null;
    }
  };
}
