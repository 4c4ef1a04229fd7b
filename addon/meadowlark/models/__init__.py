"""The model store: files that engines need are found, else downloaded, checked and kept.

    needs          which files a voice needs, when to try again          pure
    shelves        the folders: where a file may lie, where ours are kept
    store          what is there, what is coming; one download for all who want a file
    progress       how far, how fast, when to say so                     pure
    download       the core's end of a download: a process, its progress, its end
    fetcher        that process: one file after the other
    hub            the only module that knows huggingface_hub
    part           a file that is still coming: aside, locked, checked, renamed
    licenses       which do not allow every use, and who has been told
    inventory      what there is, for the command line; what `remove` deletes

The server never imports huggingface_hub (22 MB and 0.2 s; see fetcher): a download is a process that ends.
"""
