import type { SharedOrder } from '../crew/inOrder';
import { claimInOrder } from '../crew/inOrder';
import type { TellPart } from '../crew/task';
import type { DiskElsewhere } from '../sameDisk';
import { withSameDisk } from '../sameDisk';
import type { MapFormat } from '../../protocol/worker';
import { layoutOf } from './mapLayout';
import type { MapPiece, MapPieceResult } from './mapPiece';
import { MapPieces } from './mapPiece';

export interface MapPiecesParams {
  readonly disk: DiskElsewhere;
  readonly format: MapFormat;
  readonly pieceBytes: number;
  readonly order: SharedOrder;
}

/** Makes the pieces that it claims. @returns undefined when the disk is not the same any more, and nothing was claimed */
export function mapPiecesTask(
  { disk, format, pieceBytes, order }: MapPiecesParams,
  tell: TellPart<MapPiece>,
): Promise<MapPieceResult | undefined> {
  return withSameDisk(disk, (side) => {
    const pieces = new MapPieces(side, layoutOf(format, side), { pieceBytes });
    try {
      for (const index of claimInOrder(order)) {
        const piece = pieces.make(index);
        tell(piece, [piece.text.buffer]);
      }
      return pieces.result;
    } finally {
      pieces.close();
    }
  });
}
