import * as vscode from 'vscode';

type Judgement = { readonly leadsTo: string } | { readonly problem: string };

export interface Asked {
  readonly title: string;
  readonly prompt: string;
  readonly placeHolder: string;
  readonly value: string;
  /** What a text leads to, or why it can't be taken. */
  readonly check: (text: string) => Judgement | Promise<Judgement>;
}

/**
 * Asks for a text, and says from the first moment what it leads to or what is wrong with it.
 * @returns undefined when the user thought better of it
 */
export function askText({ title, prompt, placeHolder, value, check }: Asked): Promise<string | undefined> {
  const box = vscode.window.createInputBox();
  Object.assign(box, { title, prompt, placeholder: placeHolder, value, ignoreFocusOut: true });
  let asked = 0;
  const judge = async (): Promise<boolean> => {
    const mine = ++asked;
    const answer = await check(box.value);
    const fine = 'leadsTo' in answer;
    // An answer about what has been typed over since says nothing.
    if (mine !== asked) return false;
    const { Info, Error } = vscode.InputBoxValidationSeverity;
    box.validationMessage = fine
      ? { message: answer.leadsTo, severity: Info }
      : { message: answer.problem, severity: Error };
    return fine;
  };
  return new Promise((resolve) => {
    box.onDidChangeValue(() => void judge());
    box.onDidAccept(async () => {
      if (!(await judge())) return;
      resolve(box.value.trim());
      box.hide();
    });
    box.onDidHide(() => {
      resolve(undefined);
      box.dispose();
    });
    box.show();
    void judge();
  });
}
