/**
 * VS Code's glob patterns as one test: `**` any folders, `*` and `?` within a name, `[a-z]`, `{one,two}`. A pattern is
 * matched against a path relative to the workspace folder, with `/` on every system.
 */
export function matchAny(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.map(toRegExp);
  return (path) => tests.some((test) => test.test(path));
}

/** A pattern that names a folder also means all that is in it. */
function toRegExp(pattern: string): RegExp {
  const body = pattern.replace(/\/(\*\*)?$/, '').replace(/^\.?\//, '');
  let depth = 0;
  const source = body.replace(/\*\*\/|\*\*|\*|\?|\[!?[^\]/]+\]|[{},]|[^*?[{},]+|\[/g, (token: string) => {
    switch (token) {
      case '**/':
        return '(?:[^/]*/)*';
      case '**':
        return '.*';
      case '*':
        return '[^/]*';
      case '?':
        return '[^/]';
      case '{':
        depth += 1;
        return '(?:';
      case '}':
        if (depth === 0) return '\\}';
        depth -= 1;
        return ')';
      case ',':
        return depth > 0 ? '|' : ',';
      default:
        if (/^\[.+\]$/.test(token)) return token.replace(/^\[!/, '[^').replace(/\\/g, '\\\\');
        return token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    }
  });
  try {
    return new RegExp(`^(?:${source}${')'.repeat(depth)})(?:/.*)?$`, 'u');
  } catch {
    return /(?!)/; // not a pattern: matches nothing
  }
}
