// Pieces of a file in the order of their bytes in; shards, stored as each is whole, out. What was begun can be kept for the next time.
import { damaged } from '../files/safetensors-header.ts';
import type { KeptFile } from './kept-file.ts';
import { otherSize, type Piece, recogniseOther } from './ranged-request.ts';

const LOT_BYTES = 4 * 1024 * 1024; // handed to the browser as a Blob in such lots: few objects, and little in the worker's own memory
const HEAD_BYTES = 64;
const MAX_HEADER_BYTES = 100_000_000; // of a safetensors file, as in files/safetensors.ts

export class Gathering {
  /** The first byte of the file that is still wanted. */
  have = 0;
  #left: number[];
  #lots: Blob[] = [];
  #loose: Uint8Array<ArrayBuffer>[] = [];
  #looseBytes = 0;
  #head: Uint8Array<ArrayBuffer> = new Uint8Array();
  #headSeen = false;

  constructor(
    readonly kept: KeptFile,
    missing: readonly number[], // in order
    readonly onBytes: (bytes: number) => void,
    readonly onShard: () => void,
  ) {
    this.#left = [...missing];
    this.#begin();
  }

  get done(): boolean {
    return this.#left.length === 0;
  }
  /** Behind the last byte that is wanted. */
  get until(): number {
    return this.kept.end(this.#left.at(-1) ?? 0);
  }

  /** Bytes that are here already (a server without ranges sends them again) are passed over. */
  async take({ at, bytes }: Piece): Promise<void> {
    if (at === this.#head.length && !this.#headSeen && at < HEAD_BYTES) {
      this.#head = Uint8Array.from([...this.#head, ...bytes.subarray(0, HEAD_BYTES - at)]);
      if (this.#head.length >= Math.min(HEAD_BYTES, this.kept.file.bytes)) this.checkHead();
    }
    let from = Math.max(0, this.have - at);
    while (from < bytes.length && !this.done) {
      const end = this.kept.end(this.#left[0] as number);
      const part = bytes.subarray(from, from + end - this.have);
      this.#loose.push(part);
      this.#looseBytes += part.length;
      this.have += part.length;
      this.onBytes(part.length);
      if (this.#looseBytes >= LOT_BYTES) this.#makeLot();
      if (this.have === end) await this.#store();
      from = Math.max(from + part.length, this.have - at);
    }
  }

  /** Throws Trouble 'file-damaged' when the first bytes are those of another kind of file: before more of it is fetched. */
  checkHead(): void {
    const { file } = this.kept;
    if (this.#headSeen || this.#head.length === 0) return;
    this.#headSeen = true;
    const other = recogniseOther(file, this.#head);
    if (other) throw otherSize(file, other);
    if (!file.path.endsWith('.safetensors') || this.#head.length < 9) return;
    const headerBytes = new DataView(this.#head.buffer).getBigUint64(0, true);
    if (headerBytes > Math.min(MAX_HEADER_BYTES, file.bytes - 8) || this.#head[8] !== 0x7b)
      throw damaged(file.path, 'a safetensors header', `a header length of ${headerBytes} and byte ${this.#head[8]}`);
  }

  /** Stores what was begun of a shard; whatever keeps it from being stored is not the trouble that ended the download. */
  async keepPart(): Promise<void> {
    this.#makeLot();
    const index = this.#left[0];
    if (index !== undefined && this.#lots.length > 0)
      await this.kept.keepPart(index, new Blob(this.#lots)).catch(() => {});
  }

  #begin(): void {
    const index = this.#left[0];
    const part = index === undefined ? null : this.kept.part(index);
    this.#lots = part ? [part] : [];
    this.have = index === undefined ? this.kept.file.bytes : this.kept.begin(index) + (part?.size ?? 0);
  }
  #makeLot(): void {
    if (this.#looseBytes > 0) this.#lots.push(new Blob(this.#loose));
    this.#loose = [];
    this.#looseBytes = 0;
  }
  async #store(): Promise<void> {
    this.#makeLot();
    await this.kept.keep(this.#left[0] as number, new Blob(this.#lots));
    this.#left.shift();
    this.#begin();
    this.onShard();
  }
}
