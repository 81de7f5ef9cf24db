"""Writes what a library of libyal reads from a chain of images to a raw file, and prints the library's version.

    libyal.py libvhdi|libvmdk|libqcow OUT LEAF [PARENT ...]
"""
import importlib
import sys

# libvhdi 20210425 reads zeros where a read goes on behind a block of which no sector is held: no larger than a block.
PIECE = 1 << 16


def open_image(library, module, path):
    if library == "libvmdk":
        image = module.handle()
        image.open(path)
        image.open_extent_data_files()
        return image
    image = module.file()
    image.open(path)
    return image


def main(library, out, *chain):
    module = importlib.import_module("py" + library[len("lib"):])
    images = [open_image(library, module, path) for path in chain]
    for child, parent in zip(images, images[1:]):
        child.set_parent(parent)
    leaf = images[0]
    size = leaf.get_media_size()
    with open(out, "wb") as raw:
        raw.truncate(size)
        leaf.seek_offset(0, 0)
        at = 0
        while at < size:
            piece = leaf.read_buffer(min(PIECE, size - at))
            if not piece:
                raise SystemExit("%s ends at byte %d of %d" % (chain[0], at, size))
            if piece.strip(b"\0"):
                raw.seek(at)
                raw.write(piece)
            at += len(piece)
    print(module.get_version())


main(*sys.argv[1:])
