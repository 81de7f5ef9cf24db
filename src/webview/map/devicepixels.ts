/**
 * Keeps a canvas as many pixels large as the screen has for it, so that nothing painted on it is blurred, and calls
 * back after each change of its size or of the pixel ratio.
 */
export function fitDevicePixels(canvas: HTMLCanvasElement, changed: () => void): void {
  let exact: ResizeObserverSize | undefined;
  let ratio = 0;
  const fit = (): void => {
    const width = pixels(canvas.clientWidth, exact?.inlineSize);
    const height = pixels(canvas.clientHeight, exact?.blockSize);
    if (canvas.width === width && canvas.height === height && ratio === devicePixelRatio) return;
    ratio = devicePixelRatio;
    canvas.width = width;
    canvas.height = height;
    changed();
  };
  const observer = new ResizeObserver((entries) => {
    const entry: Partial<ResizeObserverEntry> | undefined = entries.at(-1);
    exact = entry?.devicePixelContentBoxSize?.[0];
    fit();
  });
  try {
    observer.observe(canvas, { box: 'device-pixel-content-box' });
  } catch {
    observer.observe(canvas); // an engine that does not know this box
  }
  addEventListener('resize', fit);
}

/** The screen's own count where it is for this ratio (an emulated ratio has none), otherwise the nearest to it. */
function pixels(css: number, exact: number | undefined): number {
  const near = css * devicePixelRatio;
  return exact !== undefined && Math.abs(exact - near) < 2 ? exact : Math.round(near);
}
