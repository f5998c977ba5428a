"""Real pairs: a photograph of a back and the lateral radiograph of the same subject, as a folder per subject.

    DIR/0001/recording.mcap      any recording that latx-edge scans (.mcap, .bag, .db3), or instead of it
             depth.png           16-bit depth, colour.jpg (optional, same pixels) and intrinsics.json:
             intrinsics.json     width, height, fx, fy, cx, cy; depth_unit_m (default 0.001); gravity (default level)
             radiograph.dcm      DICOM, or radiograph.png (8 or 16 bit, mm_per_px in endplates.json); optional
             endplates.json      the annotation: see ``export.pairs.annotation``

Names are the subjects' only identity: call folders by running numbers, never by names. Nothing of a DICOM file but
its pixels, their spacing and their meaning is read.
"""
