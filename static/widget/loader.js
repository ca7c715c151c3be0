// Put into a page of yours: <script src="https://chat.example.org/widget.js" data-desk="shop" async></script>
// It shows a button, and behind it the desk in a frame. In your page's storage ("parley-desk:…") it keeps whether that is
// open and has a conversation, and what the frame itself would keep where a browser gives it no storage.
(() => {
  const tag = document.currentScript;
  const { desk, label = 'Chat with us', color = '#0b6358', position = 'right' } = tag.dataset;
  if (!desk) throw new Error('widget.js: data-desk names the desk');
  const home = tag.src.replace(/\/widget\.js.*/, '');
  const { origin: homeOrigin } = new URL(home);
  const accent = /^#[0-9a-f]{6}$/i.test(color) ? color : '#0b6358';
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(accent.slice(at, at + 2), 16));
  const on = red * 0.299 + green * 0.587 + blue * 0.114 > 150 ? '#1b2523' : '#fffefb';
  const side = position === 'left' ? 'left' : 'right';
  const shelf = `parley-desk:${desk}`;

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial; position: fixed; z-index: 2147483000; bottom: 20px; ${side}: 20px; }
    button { position: relative; width: 60px; height: 60px; border: 0; border-radius: 50%; background: ${accent};
      box-shadow: 0 4px 18px rgb(0 0 0 / 30%); cursor: pointer; }
    button:focus-visible { outline: 3px solid #d77a3d; outline-offset: 3px; }
    svg { width: 30px; height: 30px; fill: ${on}; vertical-align: middle; }
    span { position: absolute; top: -4px; ${side}: -4px; min-width: 22px; border-radius: 11px; background: #b0281c;
      color: #fff; font: 700 13px/22px system-ui, sans-serif; }
    span:empty { display: none; }
    iframe { position: fixed; bottom: 92px; ${side}: 20px; width: 380px; height: min(600px, 100vh - 112px); border: 0;
      border-radius: 16px; box-shadow: 0 8px 40px rgb(0 0 0 / 30%); color-scheme: light dark; background: transparent; }
    iframe[hidden] { display: none; }
    @media (max-width: 480px), (max-height: 420px) {
      iframe { inset: 0; width: 100%; height: 100%; border-radius: 0; }
    }`);

  const place = document.createElement('div');
  const root = place.attachShadow({ mode: 'open' });
  root.adoptedStyleSheets = [sheet];
  const button = document.createElement('button');
  const badge = document.createElement('span');
  const [icon, path] = ['svg', 'path'].map((name) => document.createElementNS('http://www.w3.org/2000/svg', name));
  icon.setAttribute('viewBox', '0 0 24 24');
  path.setAttribute('d', 'M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H10l-5 4.5V17H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z');
  icon.append(path);
  button.append(icon, badge);
  button.type = 'button';
  root.append(button);
  let frame = null;
  let isLoaded = false;

  function kept() {
    try {
      return JSON.parse(localStorage.getItem(shelf)) ?? {};
    } catch {
      return {};
    }
  }

  function keep(changes) {
    try {
      localStorage.setItem(shelf, JSON.stringify({ ...kept(), ...changes }));
    } catch {
      // Without storage each page begins anew.
    }
  }

  function load() {
    if (frame) return;
    frame = document.createElement('iframe');
    frame.title = label;
    frame.hidden = true;
    frame.setAttribute(
      'sandbox',
      'allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads',
    );
    frame.src = `${home}/widget/${encodeURIComponent(desk)}?${new URLSearchParams({ accent, on })}`;
    frame.addEventListener('load', () => {
      isLoaded = true;
      say(frame.hidden ? 'closed' : 'opened');
    });
    root.append(frame);
  }

  function say(parley) {
    if (!isLoaded) return;
    const page = location.origin + location.pathname;
    frame.contentWindow.postMessage({ parley, page, kept: kept().frame }, homeOrigin);
  }

  function show(isOpen, { focus = true } = {}) {
    load();
    frame.hidden = !isOpen;
    keep({ open: isOpen });
    button.setAttribute('aria-expanded', isOpen);
    if (isOpen && focus) frame.focus();
    else if (focus) button.focus();
    say(isOpen ? 'opened' : 'closed');
  }

  function count(unread) {
    badge.textContent = unread || '';
    button.setAttribute('aria-label', unread ? `${label}: ${unread} new` : label);
  }

  button.addEventListener('click', () => show(!frame || frame.hidden));
  place.addEventListener('keydown', (event) => event.key === 'Escape' && frame && !frame.hidden && show(false));
  addEventListener('message', ({ source, origin, data }) => {
    if (!frame || source !== frame.contentWindow || origin !== homeOrigin) return;
    if (data.parley === 'close') show(false);
    if (data.parley === 'unread') count(data.unread);
    if (data.parley === 'begun') keep({ begun: data.begun });
    if (data.parley === 'keep') keep({ frame: data.kept });
  });

  count(0);
  button.setAttribute('aria-expanded', 'false');
  const add = () => {
    document.body.append(place);
    const { open, begun } = kept();
    if (open) show(true, { focus: false });
    else if (begun) load();
  };
  if (document.body) add();
  else addEventListener('DOMContentLoaded', add);
})();
