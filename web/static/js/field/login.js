/** What this account may not do, and the way to another one. */

import { config, t } from "../config.js";
import { el } from "../dom.js";

export const loginLink = () => el("a", { href: "/login?next=/field" }, t("login"));

export const notPermitted = () => el("p", { class: "empty" }, t("field.not_permitted"), " ", config.visitor.logged_in ? null : loginLink());
