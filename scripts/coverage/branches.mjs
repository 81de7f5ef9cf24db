import ts from 'typescript';

/**
 * @typedef {object} Branch
 * @property {string} what such as `if`, `else`, `case`, `??`
 * @property {number} line from 1
 * @property {Span} span what runs when the branch is taken
 * @property {{ condition: Span, other: Span }} [instead] of what has no place of its own: it is taken as often as the condition
 *   was looked at and the other was not
 *
 * @typedef {readonly [start: number, end: number]} Span offsets in the text
 */

const SHORT_CIRCUITS = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.AmpersandAmpersandEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
]);

/**
 * The branches of a source file: both ways of conditions, cases, right sides of `&&`, `||` and `??`. Left out is what an index
 * into an array falls back to (`counts[i] ?? 0`): the compiler asks for it, and nothing can bring it about.
 * @param {string} name
 * @param {string} text
 * @returns {Branch[]}
 */
export function branchesOf(name, text) {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  /** @type {Branch[]} */
  const branches = [];
  const spanOf = (node) => [node.getStart(file), node.getEnd()];
  const add = (what, node, instead) => {
    const [start] = instead?.condition ?? spanOf(node);
    branches.push({ what, line: file.getLineAndCharacterOfPosition(start).line + 1, span: spanOf(node), instead });
  };
  const addIf = (node) => {
    const { thenStatement, elseStatement, expression } = node;
    const first = firstOf(thenStatement);
    const [condition, taken] = [spanOf(expression), spanOf(first)];
    const next = exits(thenStatement) ? statementAfter(node) : undefined;
    // A mere `return` has nothing in it that a source map tells of.
    const isBare = next && !elseStatement && thenStatement.getChildren(file).length <= 2;
    add('if', first, isBare ? { condition, other: spanOf(next) } : undefined);
    if (elseStatement) add('else', firstOf(elseStatement));
    else if (next) add('else', next);
    else add('else', first, { condition, other: taken });
  };
  const visit = (node) => {
    if (ts.isIfStatement(node)) {
      addIf(node);
    } else if (ts.isConditionalExpression(node)) {
      add('? …', node.whenTrue);
      add(': …', node.whenFalse);
    } else if (ts.isBinaryExpression(node) && SHORT_CIRCUITS.has(node.operatorToken.kind)) {
      if (!isIndexFallback(node)) add(node.operatorToken.getText(file), node.right);
    } else if (ts.isCaseOrDefaultClause(node) && node.statements.length > 0) {
      add('case', node.statements[0]);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return branches;
}

const firstOf = (statement) => (ts.isBlock(statement) ? (statement.statements[0] ?? statement) : statement);

/** Whether what comes behind a statement is not reached through it. */
function exits(statement) {
  const last = ts.isBlock(statement) ? statement.statements.at(-1) : statement;
  if (!last) return false;
  return (
    ts.isReturnStatement(last) || ts.isThrowStatement(last) || ts.isContinueStatement(last) || ts.isBreakStatement(last)
  );
}

function statementAfter(node) {
  const siblings = node.parent.statements;
  return siblings?.[siblings.indexOf(node) + 1];
}

function isIndexFallback({ left, operatorToken, right }) {
  if (operatorToken.kind !== ts.SyntaxKind.QuestionQuestionToken) return false;
  const value = ts.isParenthesizedExpression(left) ? left.expression : left;
  const isConstant =
    ts.isLiteralExpression(right) ||
    ts.isPrefixUnaryExpression(right) ||
    ts.isIdentifier(right) ||
    ts.isPropertyAccessExpression(right) ||
    (ts.isNewExpression(right) && (right.arguments?.length ?? 0) === 0);
  return ts.isElementAccessExpression(value) && isConstant;
}
