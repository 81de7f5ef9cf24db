// How smoothly the map is drawn in a browser.

/** @returns rows: what, measured, unit, aim, met */
export async function measureDrawing() {
  return [];
}
