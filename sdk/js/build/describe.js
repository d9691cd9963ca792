// What the functions of a plugin say of themselves: names, types and comments, in JSDoc or TypeScript.

import ts from 'typescript';
import { Mistake } from './mistake.js';
import { schemaOf } from './types.js';

/**
 * By file, what to insert where.
 *
 * @typedef {Map<string, {place: number, text: string}[]>} Described
 */

/** The functions of the SDK whose own functions are read. */
const READ = ['tool', 'prompt'];

/** @type {ts.CompilerOptions} */
const OPTIONS = {
  allowJs: true,
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  lib: ['lib.esnext.d.ts'],
  types: [],
};

/**
 * @param {string} main
 * @returns {Described}
 */
export function describe(main) {
  const program = ts.createProgram([main], OPTIONS);
  const checker = program.getTypeChecker();
  const sdk = ts.resolveModuleName('gateway-sdk', main, OPTIONS, ts.sys).resolvedModule?.resolvedFileName;
  /** @type {Described} */
  const described = new Map();
  for (const file of program.getSourceFiles()) {
    if (file.isDeclarationFile || file.fileName.includes('/node_modules/')) continue;
    const insertions = calls(file, checker, sdk).flatMap((call) => insertion(call, checker, sdk));
    if (insertions.length > 0) described.set(ts.sys.resolvePath(file.fileName), insertions);
  }
  return described;
}

/**
 * The calls of the SDK's functions in a file.
 *
 * @param {ts.SourceFile} file
 * @param {ts.TypeChecker} checker
 * @param {string | undefined} sdk
 */
function calls(file, checker, sdk) {
  /** @type {ts.CallExpression[]} */
  const found = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isCallExpression(node) && READ.includes(sdkName(node.expression, checker, sdk) ?? '')) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/**
 * The name of the SDK's function that this is.
 *
 * @param {ts.Expression} callee
 * @param {ts.TypeChecker} checker
 * @param {string | undefined} sdk the file that declares the SDK
 */
function sdkName(callee, checker, sdk) {
  let symbol = checker.getSymbolAtLocation(callee);
  if (symbol && symbol.flags & ts.SymbolFlags.Alias) symbol = checker.getAliasedSymbol(symbol);
  return sdk && isFrom(symbol, sdk) ? symbol?.name : undefined;
}

/** @param {ts.Symbol | undefined} symbol @param {string} file */
function isFrom(symbol, file) {
  return symbol?.declarations?.some((node) => node.getSourceFile().fileName === file) ?? false;
}

/**
 * @param {ts.CallExpression} call
 * @param {ts.TypeChecker} checker
 * @param {string | undefined} sdk
 * @returns {{place: number, text: string}[]}
 */
function insertion(call, checker, sdk) {
  const run = call.arguments.at(-1);
  if (!run || call.arguments.some(ts.isSpreadElement)) return [];
  const signature = checker.getTypeAtLocation(run).getCallSignatures()[0];
  if (!signature?.declaration) return [];
  const options = call.arguments.length > 1 ? call.arguments[0] : undefined;
  const derived = derive(signature, nameOf(call, run), hasOwn(options, 'input', 'arguments'), checker, sdk);
  derived.description ??= commentAbove(call);
  return [{ place: run.getEnd(), text: `, ${JSON.stringify(derived)}` }];
}

/**
 * The name of a function that has none itself: of what it is assigned to, with the call of the SDK around it or not.
 *
 * @param {ts.CallExpression} call
 * @param {ts.Expression} run
 */
function nameOf(call, run) {
  if (ts.isIdentifier(run)) return run.text;
  if (ts.isPropertyAccessExpression(run)) return run.name.text;
  if (ts.isFunctionExpression(run) && run.name) return run.name.text;
  return ts.isVariableDeclaration(call.parent) && ts.isIdentifier(call.parent.name) ? call.parent.name.text : undefined;
}

/**
 * The comment of the statement that the call is, for a function that has none.
 *
 * @param {ts.CallExpression} call
 */
function commentAbove(call) {
  // `tool(…);` and `const add = tool(…);`, and nothing else, which could be a comment on much more.
  const statement = ts.isVariableDeclaration(call.parent) ? call.parent.parent.parent : call.parent;
  if (!ts.isStatement(statement)) return undefined;
  const comments = ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc);
  return paragraphs(ts.getTextOfJSDocComment(comments.at(-1)?.comment) ?? '');
}

/**
 * Whether options as they are written have one of these keys.
 *
 * @param {ts.Expression | undefined} options
 * @param {...string} keys
 */
function hasOwn(options, ...keys) {
  if (!options || !ts.isObjectLiteralExpression(options)) return false;
  return options.properties.some(({ name }) => name && ts.isIdentifier(name) && keys.includes(name.text));
}

/**
 * @param {ts.Signature} signature
 * @param {string | undefined} name
 * @param {boolean} isGiven whether the options say what it takes
 * @param {ts.TypeChecker} checker
 * @param {string | undefined} sdk
 */
function derive(signature, name, isGiven, checker, sdk) {
  const description = comment(signature.getDocumentationComment(checker));
  if (isGiven) return { name, description };
  const output = outputOf(signature, checker, sdk);
  const { parameters } = signature;
  const nodes = parameters.map(({ valueDeclaration }) => valueDeclaration);
  const [first] = nodes;
  if (nodes.length === 1 && first && ts.isParameter(first) && ts.isObjectBindingPattern(first.name)) {
    const input = schemaOf(checker.getTypeAtLocation(first), declaredType(first), checker, place(first));
    return { name, description, input: { ...input, additionalProperties: false }, output };
  }
  return { name, description, parameters: parameters.map((symbol) => parameter(symbol, checker)), output };
}

/**
 * @param {ts.Symbol} symbol
 * @param {ts.TypeChecker} checker
 */
function parameter(symbol, checker) {
  const node = symbol.valueDeclaration;
  if (!node || !ts.isParameter(node) || node.dotDotDotToken || !ts.isIdentifier(node.name)) {
    throw new Mistake(`${place(node)}: only plain parameters can be read`, 'write `input` into the options');
  }
  const written = declaredType(node);
  const fallback = node.initializer && literal(node.initializer);
  if (!written && fallback === undefined) {
    const say = `write \`@param {number} ${symbol.name}\` in the comment right before the function, or \`input\` into the options`;
    throw new Mistake(`${place(node)}: nothing says what ${symbol.name} is`, say);
  }
  // Without a type the function's place decides, which takes anything: the default tells more.
  const schema = written
    ? schemaOf(checker.getTypeOfSymbol(symbol), written, checker, place(node))
    : { type: typeof fallback };
  const description = comment(symbol.getDocumentationComment(checker));
  const isRequired = !checker.isOptionalParameter(node) && !node.initializer;
  const further = { ...(description && { description }), ...(fallback !== undefined && { default: fallback }) };
  return { name: symbol.name, schema: { ...schema, ...further }, isRequired };
}

/**
 * The schema of what is returned, where the function says that it returns an object.
 *
 * @param {ts.Signature} signature
 * @param {ts.TypeChecker} checker
 * @param {string | undefined} sdk
 */
function outputOf(signature, checker, sdk) {
  const node = signature.declaration;
  const written = node && !ts.isJSDocSignature(node) && (node.type ?? ts.getJSDocReturnType(node));
  if (!node || !written) return undefined;
  const type = checker.getAwaitedType(signature.getReturnType()) ?? signature.getReturnType();
  const isSdks = sdk !== undefined && isFrom(type.symbol, sdk);
  const isPlain = type.flags & ts.TypeFlags.Object && !checker.isArrayLikeType(type) && !isSdks;
  return isPlain && type.getProperties().length > 0 ? schemaOf(type, undefined, checker, place(node)) : undefined;
}

/** @param {ts.ParameterDeclaration} node the type as it is written, where it is */
function declaredType(node) {
  return node.type ?? ts.getJSDocType(node);
}

/**
 * The value of a literal; `undefined` where it is something else.
 *
 * @param {ts.Expression} node
 * @returns {unknown}
 */
function literal(node) {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) return -Number(literal(node.operand));
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
  return undefined;
}

/** @param {ts.SymbolDisplayPart[]} parts */
function comment(parts) {
  // What begins with a dash is JSDoc's own way to part a name from its comment.
  return paragraphs(ts.displayPartsToString(parts).replace(/^\s*-\s+/, ''));
}

/**
 * Lines are as long as the source has them; what belongs together is one, apart from lists and code.
 *
 * @param {string} text
 */
function paragraphs(text) {
  const trimmed = text.trim();
  return (trimmed.includes('```') ? trimmed : trimmed.replace(/(\S)\n(?![\s*\-\d])/g, '$1 ')) || undefined;
}

/** @param {ts.Node | undefined} node */
function place(node) {
  if (!node) return 'a function';
  const file = node.getSourceFile();
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}
