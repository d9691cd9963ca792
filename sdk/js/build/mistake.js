/** What is wrong with a plugin, and what to do about it. */
export class Mistake extends Error {
  /** @param {string} message @param {string} [hint] */
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}
