const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const paint = (code: number) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = paint(1);
export const dim = paint(2);
export const green = paint(32);
export const red = paint(31);

let steps = 0;

/** Runs one step of the tour: says what begins, and how long it took when it is done. */
export const step = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  steps += 1;
  console.log(`\n${bold(`${steps}. ${what}`)}`);
  const begun = performance.now();
  try {
    const result = await work();
    console.log(`   ${green('done')} ${dim(`in ${((performance.now() - begun) / 1000).toFixed(2)} s`)}`);
    return result;
  } catch (error) {
    console.error(`   ${red(`step ${steps} failed`)}: ${what}`);
    throw error;
  }
};

export const say = (text: string): void => console.log(`   ${text}`);

/** Rows under their headings, columns as wide as they need; numbers to the right. */
export const table = (headings: string[], rows: (string | number)[][]): void => {
  const cells = [headings, ...rows.map((row) => row.map(String))];
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  cells.forEach((row, index) => {
    const line = row.map((cell, column) => {
      const numeric = index > 0 && typeof rows[index - 1]?.[column] === 'number';
      return numeric ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
    });
    console.log(`   ${index === 0 ? dim(line.join('  ')) : line.join('  ')}`);
  });
};

/** One line that is written over while something runs; on a pipe only its last state is printed. */
export const progress = () => {
  let last = '';
  return {
    show(text: string): void {
      if (text === last) return;
      last = text;
      if (process.stdout.isTTY) process.stdout.write(`\r   ${text.padEnd(76)}`);
    },
    end(): void {
      if (process.stdout.isTTY) process.stdout.write('\n');
      else if (last) console.log(`   ${last}`);
    },
  };
};

const blocks = 30;

/** `[######····]  43 %` */
export const bar = (done: number, total: number): string => {
  const part = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(part * blocks);
  return `[${'#'.repeat(filled)}${'.'.repeat(blocks - filled)}] ${String(Math.round(part * 100)).padStart(3)} %`;
};
