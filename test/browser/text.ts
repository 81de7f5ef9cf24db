const POWER: Readonly<Record<string, number>> = { byte: 0, bytes: 0, KiB: 1, MiB: 2, GiB: 3, TiB: 4 };

/**
 * Reads a size that is written for people, `1.5 GiB`.
 * @returns bytes, as exact as the text is; NaN for anything else
 */
export function readSize(text: string): number {
  const [, number = '', unit = ''] = /^([\d.,]+) (bytes?|[KMGT]iB)$/.exec(text.trim()) ?? [];
  return Number(number.replaceAll(',', '') || NaN) * 1024 ** (POWER[unit] ?? NaN);
}

/** Whether a size for people stands for this many bytes: three digits are told. */
export function tells(text: string, bytes: number): boolean {
  const told = text === '0' ? 0 : readSize(text);
  return bytes === 0 ? told === 0 : Math.abs(told - bytes) <= bytes * 0.005;
}
