// How smoothly the map is drawn in a browser.

/** @returns rows: what, measured, unit, aim, met */
export async function measureDrawing() {
  return [];
}

/** The same of a real image, in a real VS Code. */
export async function measureInVsCode() {
  return [];
}
