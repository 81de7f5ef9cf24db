// The bundle of helper threads, for those who bundle code that starts some. Beside `crew.js` itself a bundle finds it by
// itself.

export const CREW_ENTRY = 'src/node/crew/thread.ts';

/**
 * What esbuild is to define in bundles that lie elsewhere (`src/node/crew/start.ts`).
 * @param {string} folder the one with `crew.js`, absolute
 */
export const crewIn = (folder) => ({ CREW_FOLDER: JSON.stringify(folder) });
