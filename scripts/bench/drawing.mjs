// How smoothly the map is drawn in a browser.

/**
 * Rows: `{ what, measured, unit, aim, met }`.
 * @param {{ image: string, quick: boolean }} world `image`: the leaf of A
 */
export async function measureDrawing() {
  return [];
}
