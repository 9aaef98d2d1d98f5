/** A QR code as a drawing. */
import { libraries } from '../../libraries.ts';
import { type Html, html } from './html.ts';

/** Light modules around a code, without which phones don't find it (ISO/IEC 18004 9.1). */
const QUIET_ZONE = 4;

/** @param alternative  what a screen reader says */
export function qrCode(text: string, alternative: string): Html {
  const { modules } = libraries.qrcode.create(text, { errorCorrectionLevel: 'M' });
  const { size } = modules;
  let path = '';
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      if (modules.get(row, column) !== 0) path += `M${column} ${row}h1v1h-1z`;
    }
  }
  const box = `${-QUIET_ZONE} ${-QUIET_ZONE} ${size + 2 * QUIET_ZONE} ${size + 2 * QUIET_ZONE}`;
  // Dark on light in dark mode, too: not every phone reads the other way round.
  return html`<svg class="qr" viewBox=${box} role="img" aria-label=${alternative} shape-rendering="crispEdges">
    <rect x=${-QUIET_ZONE} y=${-QUIET_ZONE} width="100%" height="100%" fill="#fff" /><path d=${path} fill="#000" />
  </svg>`;
}
