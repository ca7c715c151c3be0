/**
 * The events of a `text/event-stream` body, one by one: yields the parsed JSON of each event's data, and
 * null for whatever else arrives (comments keep the line warm). Ends with the body.
 */
export async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    waiting += value.replaceAll('\r', '');
    const blocks = waiting.split('\n\n');
    waiting = blocks.pop();
    yield null;
    yield* blocks.map(dataOf).filter((data) => data !== '').map((data) => JSON.parse(data));
  }
}

function dataOf(block) {
  const lines = block.split('\n').filter((line) => line.startsWith('data:'));
  return lines.map((line) => line.slice('data:'.length).replace(/^ /, '')).join('\n');
}
