/** Equal for two spellings of one path: Windows does not tell `C:\disk` from `c:\Disk`. */
export function pathKey(path: string): string {
  return process.platform === 'win32' ? path.toLowerCase() : path;
}

/** Those paths that are not among `others`, each once however it is spelt. */
export function besides(paths: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others.map(pathKey));
  return paths.filter((path) => {
    const key = pathKey(path);
    const isNew = !known.has(key);
    known.add(key);
    return isNew;
  });
}
