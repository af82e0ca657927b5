// Does not compile: the development server shows its overlay. Builds do not include it.
import './there-is-no-such-module.js';
