// A random choice in; files as people bring them out: good pictures with and without captions, broken ones, and what is no picture at all.
import { PNG } from 'pngjs';
import type { Random } from './random.ts';

export interface Input {
  name: string;
  bytes: Buffer;
  /** A picture that the page can take: once it is on the sheet it must stay there. */
  good: boolean;
}

let made = 0;

/** Between 1 and 5 files; no two pictures of a session share a name or look alike. */
export function someFiles(random: Random): Input[] {
  return Array.from({ length: 1 + random.below(4) }, () => oneKind(random)).flat();
}

export const goodPhotos = (random: Random, count: number): Input[] =>
  Array.from({ length: count }, () => picture(`p${++made}.png`, random));

function oneKind(random: Random): Input[] {
  made += 1;
  const stem = `p${made}`;
  const other = (name: string, bytes: Buffer): Input => ({ name, bytes, good: false });
  const kinds: (() => Input[])[] = [
    () => [picture(`${stem}.png`, random)],
    () => [picture(`${stem}.png`, random)],
    () => [picture(`${stem}.PNG`, random), other(`${stem}.txt`, Buffer.from(`caption ${made}`))],
    () => [other(`${stem}.png`, picture('', random).bytes.subarray(0, 400))],
    () => [other(`${stem}.jpg`, Buffer.alloc(0))],
    () => [other(`${stem}.png`, Buffer.from('This is a letter.\n'.repeat(20)))],
    () => [other(`${stem}.zip`, Buffer.from('PK\x03\x04'.repeat(50), 'latin1'))],
    () => [other(`${stem}.dng`, Buffer.from(`II*\0${'\0'.repeat(500)}`, 'latin1'))],
    () => [other(`${stem}.txt`, Buffer.from('a text alone'))],
    () => [other(`${stem}.safetensors`, Buffer.from('not a header at all'))],
    () => [other(`${stem}.heic`, Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'))],
  ];
  return random.one(kinds)();
}

/** Coarse random fields under fine noise: sharp, and unlike every other. */
function picture(name: string, random: Random, side = 160): Input {
  const png = new PNG({ width: side, height: side });
  const fields = Array.from({ length: 64 * 3 }, () => random.below(200));
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const field = Math.floor((y * 8) / side) * 8 + Math.floor((x * 8) / side);
      for (let c = 0; c < 3; c++)
        png.data[(y * side + x) * 4 + c] = (fields[field * 3 + c] as number) + random.below(55);
      png.data[(y * side + x) * 4 + 3] = 255;
    }
  return { name, bytes: PNG.sync.write(png), good: true };
}
