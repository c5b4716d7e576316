(file) => {
  // What a click on a link to the file does; of no file, nothing.
  if (!file?.url) return;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
};
