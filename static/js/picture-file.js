/** The side of a picture as it is sent, in pixels: twice what the largest sign on a page shows. */
const SIDE = 160;

/** How good the picture is kept, from 0 to 1: what is lost cannot be seen at this size. */
const QUALITY = 0.85;

/** A picture file cut to its middle square and made small, as a data: address. Throws where it is no picture. */
export async function smallPicture(file) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error('That file is not a picture that this browser can read.');
  });
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  bitmap.close();
  // A browser that cannot write WebP writes PNG by itself.
  return canvas.toDataURL('image/webp', QUALITY);
}
