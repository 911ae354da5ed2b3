// A file and its missing shards in; the shards, over one connection at a time that goes on at the byte where the last one broke, stored out.
import { Trouble } from '../trouble.ts';
import { Gathering } from './gathering.ts';
import type { KeptFile } from './kept-file.ts';
import { Cut, type Patience } from './patience.ts';
import { askFor, otherSize, type Source } from './ranged-request.ts';
import type { TransferMeter } from './transfer-meter.ts';

/** What the connections of a download share. */
export interface Lane {
  source: Source;
  signal: AbortSignal;
  patience: Patience;
  meter: TransferMeter;
  giveUp(file: string, status: number): Trouble<'download-cut'>;
}
/** The server sends the file from its beginning whatever is asked: one connection has to take all of it. */
export class StartAgain extends Error {}

/**
 * Fetches these shards in order, in one request where the server sends on. `alone`: no other connection works at this file, so that an answer
 * from its beginning is as good as any; else that is a StartAgain. However it ends, what has come is kept (unless it is another file).
 */
export async function fetchShards(
  lane: Lane,
  kept: KeptFile,
  missing: readonly number[],
  alone: boolean,
  onShard: () => void,
): Promise<void> {
  const { file } = kept;
  const gathering = new Gathering(kept, missing, (bytes) => lane.meter.add(bytes), onShard);
  let endedAt = -1;
  try {
    while (!gathering.done) {
      const round = await lane.patience.turn(lane.signal);
      try {
        const answer = await askFor(lane.source, file, gathering.have, gathering.until);
        if (answer.whole && !alone && kept.count > 1) {
          answer.end();
          throw new StartAgain();
        }
        for await (const piece of answer.pieces()) {
          const before = gathering.have;
          await gathering.take(piece);
          if (gathering.have > before) lane.patience.progress();
        }
      } catch (error) {
        if (!(error instanceof Cut)) throw error;
        gathering.checkHead();
        // A file that ends twice at the same byte, without a word of a broken connection, ends there.
        if (error.endedAt !== null && error.endedAt === endedAt) throw otherSize(file, `${endedAt} bytes`);
        endedAt = error.endedAt ?? -1;
        lane.patience.failed(round, error, (status) => lane.giveUp(file.path, status));
      }
    }
  } catch (error) {
    if (!(error instanceof Trouble && error.code === 'file-damaged')) await gathering.keepPart();
    throw error;
  }
}
