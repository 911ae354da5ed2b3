// The entropy-coded bytes of a JPEG scan in; Huffman symbols and bits out, with an account of whether they were really there.

/** By the next 16 bits: length << 8 | symbol; 0 where no code begins so. */
export type HuffmanTable = Uint16Array;

export class EndOfData extends Error {}

/** `lengths`: how many codes there are of 1…16 bits; `symbols`: theirs, in order (T.81 C.2). */
export function huffmanTable(lengths: Uint8Array, symbols: Uint8Array): HuffmanTable {
  const table = new Uint16Array(65536);
  let [from, next] = [0, 0];
  for (let length = 1; length <= 16; length++)
    for (let i = 0; i < lengths[length - 1]!; i++) {
      const to = from + (1 << (16 - length));
      table.fill((length << 8) | (symbols[next++] ?? 0), from, to);
      from = to;
    }
  return table;
}

/** Reads ahead; past the end of the data it reads zeros and remembers how many. */
export class ScanBits {
  /** The next byte that was not read. Once the data has ended: the marker after it, or the end of the file. */
  at: number;
  readonly #bytes: Uint8Array;
  #held = 0;
  #count = 0; // bits held
  #made = 0; // of them, those that were never there

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** The next symbol; −1 where no code begins so. */
  symbol(table: HuffmanTable): number {
    if (this.#count < 16) this.#fill();
    const found = table[(this.#held >>> (this.#count - 16)) & 0xffff]!;
    if (found === 0) return -1;
    this.#count -= found >> 8;
    return found & 0xff;
  }
  skip(count: number): void {
    if (this.#count < count) this.#fill();
    this.#count -= count;
  }
  take(count: number): number {
    if (this.#count < count) this.#fill();
    this.#count -= count;
    return (this.#held >>> this.#count) & ((1 << count) - 1);
  }

  /** @throws EndOfData when bits were taken that were not there. */
  check(): void {
    if (this.#made > this.#count) throw new EndOfData();
  }

  /** On to the data after the next restart marker. */
  restart(): void {
    this.check();
    this.#count = this.#made = 0;
    const bytes = this.#bytes;
    for (;;) {
      this.at = bytes.indexOf(0xff, this.at);
      const marker = bytes[this.at + 1];
      if (this.at < 0 || marker === undefined) throw new EndOfData();
      if (marker >= 0xd0 && marker <= 0xd7) break;
      if (marker !== 0 && marker !== 0xff) throw new EndOfData(); // the next segment: the rest of this scan is missing
      this.at += marker === 0 ? 2 : 1;
    }
    this.at += 2;
  }

  #fill(): void {
    const bytes = this.#bytes;
    while (this.#count <= 16) {
      let byte = bytes[this.at];
      if (byte === undefined || (byte === 0xff && bytes[this.at + 1] !== 0)) {
        byte = 0; // a marker, or the end
        this.#made += 8;
      } else this.at += byte === 0xff ? 2 : 1;
      this.#held = (this.#held << 8) | byte;
      this.#count += 8;
    }
  }
}
