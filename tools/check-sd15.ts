// npm run check:sd15: Stable Diffusion 1.5 at full size through the app's own loader and engine, held against diffusers + peft. See --help.
import { writeFile } from 'node:fs/promises';
import { encodersCheck } from './check-sd15/encoders.ts';
import { HELP, type Options, readOptions } from './check-sd15/options.ts';
import { pageCheck } from './check-sd15/page.ts';
import { line } from './check-sd15/row.ts';
import { unetCheck } from './check-sd15/unet.ts';
import { vaeCheck } from './check-sd15/vae.ts';

export async function main(args: string[]): Promise<number> {
  let options: Options | 'help';
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  if (options === 'help') {
    console.log(HELP);
    return 0;
  }
  const check = options.page ? pageCheck : options.vae ? vaeCheck : options.encoders ? encodersCheck : unetCheck;
  const { rows, report } = await check(options);
  console.log(rows.map(line).join('\n'));
  if (options.json) await writeFile(options.json, `${JSON.stringify({ ...report, rows }, null, 2)}\n`);
  const failed = rows.filter((r) => !r.passed).length;
  console.log(`${rows.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}
