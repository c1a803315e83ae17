import htmx from "htmx.org/dist/htmx.esm.js";
import { startRequests } from "./requests.js";
import { startPreferences } from "./preferences.js";
import { startNavigation } from "./navigation.js";
import { startMenus } from "./menus.js";
import { startDialogs } from "./dialogs.js";
import { startToasts } from "./toasts.js";
import { startTabs } from "./tabs.js";
import { startCombobox } from "./combobox.js";
import { startForms } from "./forms.js";
import { startPalette } from "./palette.js";
import { startParts } from "./parts.js";
import { startFaces } from "./faces.js";
import { startRows } from "./rows.js";
import { startViews } from "./views.js";
import { startKeys } from "./keys.js";

window.htmx = htmx;
for (const start of [startRequests, startPreferences, startNavigation, startMenus, startDialogs, startToasts, startTabs, startCombobox, startForms, startPalette, startParts, startFaces, startRows, startViews, startKeys]) start(htmx);
