// Reports that a call waits for: if nobody could take one, it is made again with the next sign of the host or the node, as
// long as the path it speaks of is wanted. A transfer whose time is over ends that, and so does the call.
import { asParleyError, type ConversationId } from '@parley/protocol';
import type { Request } from './socket.ts';

type Report = 'call.ready' | 'call.pathFailed';

export interface Reports {
  make(report: Report, epoch: number): void;
  /** The host or the node has given a sign. */
  again(): void;
}

const REPORT_MS = 20_000;

/** @param wanted whether the path of an epoch is in use or being set up */
export function createReports(options: {
  conversation: ConversationId;
  request: Request;
  wanted: (epoch: number) => boolean;
}): Reports {
  const { conversation, request, wanted } = options;
  /** Those that could not be made: at most one of each, the newest. */
  const untold = new Map<Report, number>();

  async function make(report: Report, epoch: number): Promise<void> {
    untold.delete(report);
    try {
      await request(report, { conversation, epoch }, REPORT_MS);
    } catch (error) {
      if (asParleyError(error).retry) untold.set(report, epoch);
    }
  }

  return {
    make: (report, epoch) => void make(report, epoch),
    again() {
      for (const [report, epoch] of [...untold]) {
        if (wanted(epoch)) void make(report, epoch);
        else untold.delete(report);
      }
    },
  };
}
