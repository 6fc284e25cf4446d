// What stands around every view of a report.

import { MenuButton, ThemeChoice } from "../frame/header.tsx";
import { Menu } from "../frame/menu.tsx";
import { report } from "../frame/report-mode.ts";
import { BASE } from "../frame/routes.ts";
import { View } from "../frame/view.tsx";
import { Empty } from "../ui/basics.tsx";
import { dateTime } from "../ui/format.ts";
import { Toasts } from "../ui/toast.tsx";
import { periodText } from "./summary.tsx";

export function ReportApp() {
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="header">
        <MenuButton />
        <a class="brand" href={`${BASE}/summary`}>
          Taskflock
        </a>
        <p class="limit-line">
          {report === null ? "Report" : `${report.title === "" ? "Report" : report.title}: ${periodText(report)}`}
        </p>
        {report !== null && <p class="soft made">as of {dateTime(report.to)}</p>}
        <ThemeChoice />
      </header>
      <Menu />
      {report === null ? (
        <main id="main">
          <Empty>This is the empty page of a report. A report has data in it.</Empty>
        </main>
      ) : (
        <View />
      )}
      <Toasts />
    </div>
  );
}
