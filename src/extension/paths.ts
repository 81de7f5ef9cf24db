/** Equal for two spellings of one path: Windows does not tell `C:\disk` from `c:\Disk`. */
export function pathKey(path: string): string {
  return process.platform === 'win32' ? path.toLowerCase() : path;
}
