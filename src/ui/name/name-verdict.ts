// What a name's pieces mean for training: good, one piece only, an ordinary word, or letters the model never learned.
import type { TokenReport } from '../../worker/api.ts';

export type NameVerdict = 'good' | 'one-piece' | 'ordinary' | 'non-latin';

export function verdict(report: TokenReport): NameVerdict {
  if (report.nonLatin) return 'non-latin';
  if (report.ordinaryWord) return 'ordinary';
  return report.pieces.length < 2 ? 'one-piece' : 'good';
}
