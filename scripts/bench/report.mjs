// What the bench found, as tables for a terminal or for a Markdown file.

/** A section of rows that `{ what, measured, unit, aim, met, headline }` describe. */
export function sectionOf(title, rows) {
  return {
    title,
    columns: ['measured'],
    rows: rows.map(({ what, measured, unit, aim, met, headline }) => ({
      what,
      aim,
      headline,
      figures: [{ measured, unit, met }],
    })),
  };
}

/** Where and when it was measured, in one line. */
export function describeRun({ date, machine, rounds, quick }) {
  const { cpu, cores, memory, system, node, qemuImg } = machine;
  const where = `${cores} × ${cpu}, ${memory} GiB, ${system}, Node ${node}, qemu-img ${qemuImg ?? 'not there'}`;
  return `${date.slice(0, 10)}, ${where}; medians of ${rounds}${quick ? ', quick' : ''}`;
}

export function printTables({ sections, failed, ...run }) {
  console.log(`\n${describeRun(run)}`);
  for (const section of sections) {
    const rows = cells(section);
    const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
    console.log(`\n${section.title}\n`);
    if (isLettered(section.columns)) console.log(`${section.columns.join('\n')}\n`);
    for (const [what, aim, ...values] of rows) {
      const padded = values.map((value, i) => value.padStart(widths[i + 2]));
      console.log([what.padEnd(widths[0]), aim.padEnd(widths[1]), ...padded].join('  ').trimEnd());
    }
  }
  const { met, all } = countAims(sections);
  console.log(`\n${met} of ${all} aims met; ✗ marks those that are not.`);
  if (failed.length > 0) console.log(`Not measured, since it failed: ${failed.join(', ')}`);
}

/** The headlines alone, for README. */
export function printMarkdown({ sections, ...run }) {
  for (const { title, columns, rows } of sections) {
    const short = { columns, rows: rows.filter(({ headline }) => headline) };
    if (short.rows.length === 0) continue;
    const [head, ...lines] = cells(short);
    const line = (row) => `| ${row.join(' | ')} |`;
    console.log(
      [`\n${title}:\n`, line(head), line(head.map((_, i) => (i < 2 ? '---' : '--:'))), ...lines.map(line)].join('\n'),
    );
    if (isLettered(columns)) console.log(`\n${columns.join('; ')}.`);
  }
  console.log(`\nMeasured ${describeRun(run)}.`);
}

/** Where columns have letters as well as names, the letters are their heads. */
const isLettered = (columns) => columns.every((column) => /^[A-Z]: /.test(column));

function cells({ columns, rows }) {
  const heads = isLettered(columns) ? columns.map((column) => column[0]) : columns;
  return [['', 'aim', ...heads], ...rows.map(({ what, aim, figures }) => [what, aim ?? '', ...figures.map(worded)])];
}

function worded(figure) {
  if (!figure) {
    return '';
  }
  const { measured, unit, met } = figure;
  const mark = met === undefined ? '' : met ? ' ✓' : ' ✗';
  const [value, shown] = unit === 'ms' && measured >= 10_000 ? [measured / 1000, 's'] : [measured, unit];
  return `${number(value)}${shown ? ` ${shown}` : ''}${mark}`;
}

/** Three digits that count, and no more. */
function number(value) {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

function countAims(sections) {
  const judged = sections
    .flatMap(({ rows }) => rows.flatMap(({ figures }) => figures))
    .filter((f) => f?.met !== undefined);
  return { met: judged.filter(({ met }) => met).length, all: judged.length };
}
