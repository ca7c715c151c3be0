import { drawPiece, prepare } from './board-ink.js';
import { linesOf, UNIT } from './board-strokes.js';

/** Space around what is drawn, in units. */
const MARGIN = 200;

/** The paper, whatever the light around it. */
const PAPER = '#ffffff';

/** The longest side of a picture, in its pixels: what browsers can make and people can open. */
const LONGEST = 8_192;

/** Twice the pixels of 100 %, for screens and printers that have them. */
const SHARP = 2;

/** The picture as a PNG, a Blob. */
export async function png(picture) {
  const [left, top, right, bottom] = withMargin(picture.box);
  const scale = Math.min(SHARP * UNIT, LONGEST / Math.max(right - left, bottom - top));
  const [width, height] = [Math.ceil((right - left) * scale), Math.ceil((bottom - top) * scale)];
  const ink = new OffscreenCanvas(width, height);
  const context = ink.getContext('2d');
  context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  prepare(context);
  for (const piece of [...picture.pieces, ...picture.ownPieces]) drawPiece(context, piece);
  const sheet = new OffscreenCanvas(width, height);
  const paper = sheet.getContext('2d');
  paper.fillStyle = PAPER;
  paper.fillRect(0, 0, width, height);
  paper.drawImage(ink, 0, 0);
  return sheet.convertToBlob({ type: 'image/png' });
}

/** The picture as an SVG, a text. What erases is drawn in the paper's colour, in its place among the rest. */
export function svg(picture, title) {
  const [left, top, right, bottom] = withMargin(picture.box);
  const space = 'http://www.w3.org/2000/svg';
  const document_ = document.implementation.createDocument(space, 'svg');
  const add = (parent, name, attributes) => {
    const element = document_.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return parent.appendChild(element);
  };
  const root = document_.documentElement;
  root.setAttribute('viewBox', [left, top, right - left, bottom - top].map(round).join(' '));
  root.setAttribute('width', round((right - left) * UNIT));
  root.setAttribute('height', round((bottom - top) * UNIT));
  add(root, 'title', {}).textContent = title;
  add(root, 'rect', { x: round(left), y: round(top), width: round(right - left), height: round(bottom - top), fill: PAPER });
  const group = add(root, 'g', { fill: 'none', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' });
  for (const { colour, width, path } of pathsOf([...picture.pieces, ...picture.ownPieces])) {
    add(group, 'path', { stroke: colour, 'stroke-width': round(width), d: path.join('') });
  }
  return new XMLSerializer().serializeToString(document_);
}

/** Hands a file to the person at the page. */
export function save(blob, name) {
  const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function withMargin(box) {
  const [left, top, right, bottom] = box ?? [-MARGIN, -MARGIN, MARGIN, MARGIN];
  return [left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN];
}

// Lines of one colour and width that follow each other are one path.
function pathsOf(pieces) {
  const paths = [];
  for (const piece of pieces) {
    const colour = piece.stroke.tool === 'eraser' ? PAPER : piece.stroke.colour;
    for (const { x0, y0, cx, cy, x1, y1, width } of linesOf(piece)) {
      const last = paths.at(-1);
      const isSame = last && last.stroke === piece.stroke && last.width === width;
      const path = isSame ? last : { stroke: piece.stroke, colour, width, path: [], end: null };
      if (!isSame) paths.push(path);
      if (path.end !== `${x0},${y0}`) path.path.push(`M${round(x0)} ${round(y0)}`);
      path.path.push(`Q${round(cx)} ${round(cy)} ${round(x1)} ${round(y1)}`);
      path.end = `${x1},${y1}`;
    }
  }
  return paths;
}

function round(number) {
  return Math.round(number * 10) / 10;
}
