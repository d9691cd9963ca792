// From types of TypeScript, which are those of JSDoc too, to JSON Schema.

import ts from 'typescript';
import { Mistake } from './mistake.js';

/** Deeper than this, a type contains itself. */
const DEEPEST = 12;

/**
 * The schema of a type.
 *
 * @param {ts.Type} type
 * @param {ts.TypeNode | undefined} written as it stands in the source, which knows names that the type has lost
 * @param {ts.TypeChecker} checker
 * @param {string} where for messages
 * @param {number} [depth]
 * @returns {Record<string, any>}
 */
export function schemaOf(type, written, checker, where, depth = 0) {
  if (depth > DEEPEST) throw new Mistake(`${where}: the type contains itself`, 'write `input` into the options');
  const inner = (/** @type {ts.Type} */ type, /** @type {ts.TypeNode | undefined} */ written) =>
    schemaOf(type, written, checker, where, depth + 1);
  const { flags } = type;
  if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return {};
  if (flags & ts.TypeFlags.String) return { type: 'string' };
  if (flags & ts.TypeFlags.Number) return { type: isInteger(written) ? 'integer' : 'number' };
  if (flags & ts.TypeFlags.Boolean) return { type: 'boolean' };
  if (flags & ts.TypeFlags.Null) return { type: 'null' };
  if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
  if (flags & ts.TypeFlags.BooleanLiteral) return { const: checker.typeToString(type) === 'true' };
  if (type.isUnion()) return ofUnion(type, written, checker, inner);
  if (checker.isTupleType(type)) return ofTuple(type, checker, inner);
  if (checker.isArrayType(type)) {
    const [element] = checker.getTypeArguments(/** @type {ts.TypeReference} */ (type));
    return { type: 'array', items: inner(element, elementNode(written)) };
  }
  const isValue = type.getCallSignatures().length === 0 && !isBuiltIn(type);
  if (flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection | ts.TypeFlags.NonPrimitive) && isValue) {
    return ofObject(type, written, checker, inner);
  }
  const name = checker.typeToString(type);
  throw new Mistake(`${where}: ${name} is nothing that JSON has`, 'take a text, a number, a boolean, a list or an object');
}

/**
 * @typedef {(type: ts.Type, written: any) => Record<string, any>} Inner
 *
 * @param {ts.UnionType} union
 * @param {ts.TypeNode | undefined} written
 * @param {ts.TypeChecker} checker
 * @param {Inner} inner
 */
function ofUnion(union, written, checker, inner) {
  const types = union.types.filter(({ flags }) => !(flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)));
  const isLiteral = (/** @type {ts.Type} */ type) => type.isStringLiteral() || type.isNumberLiteral();
  if (types.length > 1 && types.every(isLiteral)) {
    const values = types.map((type) => /** @type {ts.LiteralType} */ (type).value);
    const kinds = [...new Set(values.map((value) => typeof value))];
    return { ...(kinds.length === 1 && { type: kinds[0] }), enum: values };
  }
  // `boolean` is a union of its two values.
  const isBoolean = (/** @type {ts.Type} */ { flags }) => Boolean(flags & ts.TypeFlags.BooleanLiteral);
  const hasBoth = types.filter(isBoolean).length === 2;
  const rest = hasBoth ? types.filter((type) => !isBoolean(type)) : types;
  const schemas = rest.map((type) => inner(type, alone(written)));
  if (hasBoth) schemas.push({ type: 'boolean' });
  return schemas.length === 1 ? schemas[0] : { anyOf: schemas };
}

/**
 * @param {ts.Type} type
 * @param {ts.TypeChecker} checker
 * @param {Inner} inner
 */
function ofTuple(type, checker, inner) {
  const items = checker.getTypeArguments(/** @type {ts.TypeReference} */ (type)).map((item) => inner(item, undefined));
  return { type: 'array', prefixItems: items, minItems: items.length, maxItems: items.length };
}

/**
 * @param {ts.Type} type
 * @param {ts.TypeNode | undefined} written
 * @param {ts.TypeChecker} checker
 * @param {Inner} inner
 */
function ofObject(type, written, checker, inner) {
  /** @type {Record<string, any>} */
  const properties = {};
  const required = [];
  for (const symbol of type.getProperties()) {
    const description = ts.displayPartsToString(symbol.getDocumentationComment(checker)).replace(/^\s*-\s+/, '').trim();
    const schema = inner(checker.getTypeOfSymbol(symbol), nodeOf(symbol));
    properties[symbol.name] = { ...schema, ...(description && { description }) };
    if (!(symbol.flags & ts.SymbolFlags.Optional)) required.push(symbol.name);
  }
  const rest = type.getStringIndexType();
  return {
    type: 'object',
    properties,
    ...(required.length > 0 && { required }),
    ...(rest && { additionalProperties: inner(rest, argument(written, 1)) }),
  };
}

/** @param {ts.Symbol} symbol the type of a property as it is written */
function nodeOf(symbol) {
  const node = /** @type {any} */ (symbol.valueDeclaration ?? symbol.declarations?.[0]);
  return node?.type ?? node?.typeExpression?.type;
}

/**
 * Whether it is called a whole number, which the language has no type for.
 *
 * @param {ts.TypeNode | undefined} written
 */
function isInteger(written) {
  return /(^|[.)])[Ii]nteger$/.test(alone(written)?.getText() ?? '');
}

/**
 * Without what says that it may be left out.
 *
 * @param {any} written
 * @returns {ts.TypeNode | undefined}
 */
function alone(written) {
  if (!written) return undefined;
  if (ts.isJSDocTypeExpression(written) || ts.isJSDocOptionalType(written) || ts.isParenthesizedTypeNode(written)) {
    return alone(written.type);
  }
  if (!ts.isUnionTypeNode(written)) return written;
  const types = written.types.filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword);
  return types.length === 1 ? alone(types[0]) : undefined;
}

/** @param {ts.TypeNode | undefined} written */
function elementNode(written) {
  const list = alone(written);
  return list && ts.isArrayTypeNode(list) ? list.elementType : argument(list, 0);
}

/**
 * What stands in the angle brackets of a type.
 *
 * @param {ts.TypeNode | undefined} written
 * @param {number} index
 */
function argument(written, index) {
  const generic = alone(written);
  return generic && ts.isTypeReferenceNode(generic) ? generic.typeArguments?.[index] : undefined;
}

/** @param {ts.Type} type whether it is a class of the language, such as Date or Map */
function isBuiltIn(type) {
  const isInLibrary = (/** @type {ts.Node} */ node) => /\/lib\.[^/]*\.d\.ts$/.test(node.getSourceFile().fileName);
  // `Record` and `Partial` stand there too, and are no classes.
  const isClass = (type.symbol?.flags ?? 0) & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface);
  return Boolean(isClass && type.symbol.declarations?.some(isInLibrary));
}
