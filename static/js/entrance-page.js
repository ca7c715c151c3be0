import { revealButtons } from './password-box.js';

revealButtons();
