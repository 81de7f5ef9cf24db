/** `src/kernel`, compiled: the bundler puts its bytes here (`scripts/lib/kernel.mjs`). */
declare module 'kernel.wasm' {
  const bytes: Uint8Array;
  export default bytes;
}
