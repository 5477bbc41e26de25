// What a connection really does, read from its statistics (W3C webrtc-stats).
import type { CallDiagnostics } from './api.ts';

type Connection = CallDiagnostics['connections'][number];

/** What lib.dom does not know of yet, or knows as anything. */
interface CandidateStats extends RTCStats {
  readonly address?: string;
  readonly port?: number;
  readonly candidateType?: string;
}
interface TransportStats extends RTCTransportStats {
  readonly tlsVersion?: string;
  readonly dtlsCipher?: string;
  readonly srtpCipher?: string;
}

/** One connection's entry in `Call.diagnostics`. */
export async function readConnection(
  pc: RTCPeerConnection,
  purpose: Connection['purpose'],
  epoch: number,
): Promise<Connection> {
  const report = await pc.getStats();
  let transport: TransportStats | undefined;
  for (const entry of report.values()) if (entry.type === 'transport') transport ??= entry as TransportStats;
  const pair = transport?.selectedCandidatePairId ? report.get(transport.selectedCandidatePairId) : undefined;
  const local: CandidateStats | undefined = pair && report.get(pair.localCandidateId);
  const remote: CandidateStats | undefined = pair && report.get(pair.remoteCandidateId);
  return {
    purpose,
    epoch,
    state: pc.connectionState,
    selected:
      local && remote
        ? { local: endpoint(local), remote: endpoint(remote), localType: local.candidateType ?? 'unknown' }
        : null,
    encryption: transport?.srtpCipher
      ? { tls: transport.tlsVersion ?? '', dtls: transport.dtlsCipher ?? '', srtp: transport.srtpCipher }
      : null,
    bytesSent: transport?.bytesSent ?? 0,
    bytesReceived: transport?.bytesReceived ?? 0,
  };
}

function endpoint({ address, port }: CandidateStats): string {
  return `${address ?? '?'}:${port ?? '?'}`;
}
